"""The beginning of a mapping, from a sample of records."""

import re
from collections.abc import Iterator
from typing import Any

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[a-z]{2,}", re.IGNORECASE)
_PHONE = re.compile(r"\+?[0-9][0-9 ()/.-]{6,18}")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}.*")
_IDS = ("id", "uuid", "event_id", "message_id", "messageId")
_ATTRIBUTES = {
    "first_name": "given_name", "firstname": "given_name", "given_name": "given_name", "vorname": "given_name",
    "last_name": "family_name", "lastname": "family_name", "surname": "family_name", "nachname": "family_name",
    "name": "name", "full_name": "name", "language": "language", "gender": "gender", "birthday": "birth_date",
    "birth_date": "birth_date",
}  # fmt: skip


def draft(content: Any, format: str, name: str) -> str:
    """Return a mapping that links what looks like identifiers of the first record of a sample."""
    records_path, record = _first_record(content)
    leaves = list(_leaves(record, ()))
    identifiers: dict[str, str] = {}
    attributes: dict[str, str] = {}
    id = at = ""
    for path, value in leaves:
        key, text = path.rsplit(".", 1)[-1], str(value)
        folded = key.lower().replace(" ", "_").replace("-", "_")
        if not id and _is_id(key) and "." not in path:
            id = path
        if _EMAIL.fullmatch(text):
            identifiers.setdefault("email", path)
        elif ("phone" in folded or "mobile" in folded) and _PHONE.fullmatch(text):
            identifiers.setdefault("phone", path)
        elif not at and _TIME.fullmatch(text):
            at = path
        if folded in _ATTRIBUTES:
            attributes.setdefault(_ATTRIBUTES[folded], path)
    lines = [f'title = "{name}"', f'source = "{name}"', f'format = "{format}"']
    lines += [
        f"{key} = {_quoted(value)}" for key, value in (("records", records_path), ("id", id), ("at", at)) if value
    ]
    lines += ["", "[[statement]]", 'kind = "observation"', "", "[statement.identifiers]"]
    lines += [f"{key} = {_quoted(value)}" for key, value in identifiers.items()]
    if not identifiers:
        lines += [
            "# Nothing in the sample looks like an email address or a phone number. Name an identifier, such as:",
            '# crm_id = "PATH"',
        ]
    if attributes and identifiers:
        lines += ["", "[[statement]]", 'kind = "attributes"', 'label = "attributes"', "", "[statement.identifiers]"]
        lines += [f"{key} = {_quoted(value)}" for key, value in identifiers.items()]
        lines += ["", "[statement.attributes]"]
        lines += [f"{key} = {_quoted(value)}" for key, value in attributes.items()]
    lines += ["", "# The other parts of a record, to choose from:"]
    lines += [f"#   {path} = {str(value)[:40]!r}" for path, value in leaves]
    return "\n".join(lines) + "\n"


def _first_record(content: Any, names: tuple[str, ...] = ()) -> tuple[str, Any]:
    """The path of the first list of objects, at any depth, and its first object; else the content itself.

    An object with an id or an email address of its own is a record: a list in it is a part of it, such as order lines.
    """
    if isinstance(content, list) and (not content or isinstance(content[0], dict)):
        return ".".join(names), content[0] if content else {}
    if isinstance(content, dict) and not any(_is_of_record(str(name), value) for name, value in content.items()):
        for name, value in content.items():
            found, record = _first_record(value, (*names, str(name).replace(".", "\\.")))
            if found:
                return found, record
    return "", content


def _is_id(key: str) -> bool:
    return key in _IDS or key.lower().endswith("_id")


def _is_of_record(key: str, value: Any) -> bool:
    return isinstance(value, str | int) and (_is_id(key) or _EMAIL.fullmatch(str(value)) is not None)


def _leaves(value: Any, names: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, (*names, str(name).replace(".", "\\.")))
    elif isinstance(value, list):
        if value:
            yield from _leaves(value[0], (*names, "*"))
    elif value not in (None, ""):
        yield ".".join(names), value


def _quoted(path: str) -> str:
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'
