import pytest

# Failures in builders are reported as fully as what tests check.
pytest.register_assert_rewrite("tests.builders")
