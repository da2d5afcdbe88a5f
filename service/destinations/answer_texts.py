"""What destinations say, as it may be logged, stored and shown: in a line, without secrets and without persons.

A destination may say anything, so the work for a text is bounded, whatever is in it.
"""

import json
import re
from collections.abc import Collection
from typing import Any
from urllib.parse import quote

from service.destinations.adapter import MAX_MESSAGE_LENGTH, Outcome

MAX_READ = 4_000
"""Characters of a text that are looked at."""
MAX_ERROR_BYTES = 200_000
"""Bytes of an answer in which a sentence is looked for."""
MAX_REFERENCE_LENGTH = 1_000
MAX_RETRY_AFTER = 86_400.0
"""Seconds: a destination that asks to wait longer is asked again after a day."""
_TOKEN = re.compile(r"[^\s\"'<>]+")
_BEFORE_DOMAIN = re.compile(r".+(?:@|%40)")
_AFTER_DOMAIN = re.compile("[,;]")
_NUMBER = re.compile(r"(?<!\w)\+?\d(?:[ ().-]?\d){6,}|\b[0-9a-fA-F]{32,}\b")
"""What looks like a telephone number, or the hash of an address."""
_MESSAGE_KEYS = ("error_description", "message", "detail", "error_user_msg", "title", "reason", "error", "errors")
"""Where vendors put the sentence that says what is wrong, the most telling first."""


def hidden(text: str, private: Collection[str] = ()) -> str:
    """Return a text in a line, with `…` for secrets, and for what is or looks like an address of a person.

    Characters that no line shows, such as those that control terminals, are replaced.
    """
    if len(text) > MAX_READ:
        # Without the last word: it may be a part of something that would be hidden.
        text = text[:MAX_READ].rpartition(" ")[0]
    folded = text.casefold()
    for value in sorted((value for value in private if len(value) > 2), key=len, reverse=True):
        for form in dict.fromkeys((value, quote(value, safe="", errors="replace"), json.dumps(value)[1:-1])):
            if form.casefold() in folded:
                text = re.sub(re.escape(form), "…", text, flags=re.IGNORECASE)
    text = _NUMBER.sub("…", _TOKEN.sub(_without_email, text))
    return one_line(text)


def one_line(text: str) -> str:
    """Return the first `MAX_MESSAGE_LENGTH` characters of a text in a line, with `�` for what is not printable."""
    words = " ".join(text[: 2 * MAX_READ].split())[:MAX_MESSAGE_LENGTH]
    return words if words.isprintable() else "".join(one if one.isprintable() else "�" for one in words)


def sentence(content_type: str, body: bytes) -> str:
    """Return what a vendor says in the body of an answer. A page for browsers says nothing."""
    text = body[: 20 * MAX_MESSAGE_LENGTH].decode("utf-8", "replace")
    try:
        return _sentence(json.loads(body if len(body) <= MAX_ERROR_BYTES else text))
    except (ValueError, RecursionError):
        return text if content_type.startswith("text/plain") else ""


def _without_email(match: re.Match[str]) -> str:
    """A word with `…` for an email address, up to what comes after it."""
    word = match[0]
    before = _BEFORE_DOMAIN.match(word)
    if before is None:
        return word
    domain, *_ = _AFTER_DOMAIN.split(word[before.end() :], maxsplit=1)
    return "…" + word[before.end() + len(domain) :] if domain else word


def _sentence(value: Any) -> str:
    """The sentence of an error, wherever in it the vendor puts it."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return next(filter(None, map(_sentence, value)), "")
    if isinstance(value, dict):
        return next(filter(None, (_sentence(value.get(key)) for key in _MESSAGE_KEYS)), "")
    return ""


def storable(outcome: Outcome) -> Outcome:
    """Return an outcome as the ledger takes it, whatever a destination has put into it."""
    wait, reference = outcome.retry_after, outcome.reference
    return Outcome(
        outcome.status,
        one_line(outcome.message),
        reference if reference.isprintable() and len(reference) <= MAX_REFERENCE_LENGTH else "",
        min(wait, MAX_RETRY_AFTER) if wait is not None and wait > 0 else None,
    )
