import pytest

# What builders check is told as fully as what tests check.
pytest.register_assert_rewrite("tests.builders")
