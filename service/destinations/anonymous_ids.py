"""Ids of browsers and devices: all that leaves Kith for platforms that know no people."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from service.destinations import customer_match

PERSONAL = frozenset(
    {"crm_id", "login", "loyalty_card", "email", "hashed_email", "phone", "payment_token", "order", "ip"}
)
"""Namespaces of the default rules that name people, not browsers and devices."""
MAX_LENGTH = 500

IdType = Literal["cookie", "aaid", "idfa", "afai", "rida", "tifa", "msai", "vida", "lgudid", "dpid"]
"""A cookie, or one of IAB Tech Lab's types of advertising ids (`ifa_type`); `dpid` is that of any device."""


def is_anonymous(namespaces: dict[str, str]) -> dict[str, str]:
    """Check the namespaces of settings."""
    for namespace in namespaces:
        if namespace in PERSONAL:
            raise ValueError(f"{namespace} names people; only cookies and advertising ids may be sent")
    return namespaces


Namespaces = Annotated[dict[str, IdType], Field(min_length=1, max_length=100), AfterValidator(is_anonymous)]
"""A field of settings: what the ids of each namespace are."""


def anonymous_id(type: str, value: str) -> str:
    """Return the id as it is sent. Raises `ValueError` if the value is no id of that type."""
    if type != "cookie":
        return customer_match.advertising_id(value)
    if not value or len(value) > MAX_LENGTH or "@" in value or not value.isprintable():
        raise ValueError("is not a cookie")
    return value
