"""References to secrets: what they name, and errors that do not show it."""

import re
from pathlib import Path

import pytest

from service.config.secret_references import MIN_SECRET_LENGTH, read_secret

SECRET = "s3cr3t-s3cr3t"


def test_a_secret_is_in_a_variable_or_in_a_file_without_its_line_break(tmp_path: Path) -> None:
    # given
    (tmp_path / "token").write_text(f"{SECRET}\n")
    # then
    assert read_secret("env:TOKEN", tmp_path, {"TOKEN": SECRET}) == SECRET
    assert read_secret("file:token", tmp_path, {}) == SECRET
    assert read_secret(f"file:{tmp_path}/token", Path("/elsewhere"), {}) == SECRET


@pytest.mark.parametrize("text", [SECRET, "", "ENV:TOKEN", "https://host"])
def test_other_texts_are_no_references(text: str) -> None:
    assert read_secret(text, Path(), {"TOKEN": SECRET}) is None


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("env:MISSING", "the environment variable MISSING is not set"),
        ("env:EMPTY", "the environment variable EMPTY is not set"),
        ("env:SHORT", f"a secret has at least {MIN_SECRET_LENGTH} characters"),
        ("file:missing", "missing cannot be read: FileNotFoundError"),
        ("file:.", ". cannot be read: IsADirectoryError"),
        ("file:binary", "binary cannot be read: UnicodeDecodeError"),
        ("file:empty", f"a secret has at least {MIN_SECRET_LENGTH} characters"),
    ],
)
def test_an_error_says_what_is_wrong_and_not_what_is_there(tmp_path: Path, reference: str, message: str) -> None:
    # given
    (tmp_path / "binary").write_bytes(b"\xff" + SECRET.encode())
    (tmp_path / "empty").write_text("\n")
    # then
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        read_secret(reference, tmp_path, {"EMPTY": "", "SHORT": "2short"})
