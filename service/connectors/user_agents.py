"""What a header `User-Agent` tells: the browser, the operating system, and what kind of device it is."""

import re
from functools import lru_cache

import ua_parser

_MOBILE = re.compile(r"Mobi|iPhone|iPod|Windows Phone")
_TABLET = re.compile(r"iPad|Tablet|PlayBook|Silk(?!.*Mobile)|Android(?!.*Mobile)")
_DESKTOP = re.compile(r"Windows NT|Macintosh|X11|CrOS|Linux x86_64")

MAX_LENGTH = 512
"""Characters that are read. What anybody sends is compared with some hundred patterns, and remembered."""


def browser_of(text: str) -> str | None:
    """Return the browser, such as Firefox; `None` if it is not known."""
    return _browser_of(text[:MAX_LENGTH])


def system_of(text: str) -> str | None:
    """Return the operating system, such as Android; `None` if it is not known."""
    return _system_of(text[:MAX_LENGTH])


def device_type_of(text: str) -> str | None:
    """Return mobile, tablet or desktop; a short word is that of an SDK, and stays; `None` if it is not known."""
    return _device_type_of(text[:MAX_LENGTH])


@lru_cache(maxsize=10_000)
def _browser_of(text: str) -> str | None:
    found = ua_parser.parse_user_agent(text)
    return None if found is None else found.family


@lru_cache(maxsize=10_000)
def _system_of(text: str) -> str | None:
    found = ua_parser.parse_os(text)
    return None if found is None else found.family


@lru_cache(maxsize=10_000)
def _device_type_of(text: str) -> str | None:
    if "/" not in text:
        return text.lower()
    if _TABLET.search(text):
        return "tablet"
    if _MOBILE.search(text):
        return "mobile"
    return "desktop" if _DESKTOP.search(text) else None


def load() -> None:
    """Load the patterns. It takes half a second, during which a service that runs would answer nobody."""
    browser_of("")
    system_of("")
