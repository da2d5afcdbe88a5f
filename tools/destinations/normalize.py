"""Normalize people's data as Google's and Meta's own libraries do. Run in .venv-destinations.

In are lines of JSON: `{"email", "phone", "given_name", "family_name", "city", "postal_code", "country"}`. Out is a line
for each: what the libraries make of each value, by vendor and field, `null` where they raise an error. Meta has two
libraries in one: `meta` is that of its Conversions API, `meta_audiences` the one of custom audiences.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

from facebook_business.adobjects.helpers.customaudiencemixin import CustomAudienceMixin
from facebook_business.adobjects.serverside.normalize import Normalize
from google.ads.datamanager_util import Formatter

GOOGLE = Formatter()
GOOGLE_FORMATS: dict[str, Callable[[str], str]] = {
    "email": GOOGLE.format_email_address,
    "phone": GOOGLE.format_phone_number,
    "given_name": GOOGLE.format_given_name,
    "family_name": GOOGLE.format_family_name,
    "postal_code": GOOGLE.format_postal_code,
    "country": GOOGLE.format_region_code,
}
META_FIELDS = {"email": "em", "phone": "ph", "city": "ct", "postal_code": "zp", "country": "country"}
AUDIENCE_FIELDS = {"given_name": "FN", "family_name": "LN", "city": "CT", "postal_code": "ZIP", "country": "COUNTRY"}


def attempt(normalize: Callable[..., str | None], *values: str) -> str | None:
    """What a library makes of a value, `None` if it does not take it."""
    try:
        return normalize(*values)
    except (ValueError, TypeError):
        return None


def audience_field(name: str, value: str) -> str | None:
    """A field as the mixin of custom audiences prepares it before it hashes."""
    return CustomAudienceMixin.normalize_key(name, value.strip(" \t\r\n\0\x0b.").lower())


def normalized(person: dict[str, str]) -> dict[str, dict[str, Any]]:
    """What the libraries make of a person's values."""
    return {
        "google": {name: attempt(format, person[name]) for name, format in GOOGLE_FORMATS.items()},
        "meta": {
            **{
                name: attempt(Normalize.normalize_field_skip_hashing, field, person[name])
                for name, field in META_FIELDS.items()
            },
            "given_name": attempt(Normalize.normalize_field_skip_hashing, "fn", person["given_name"]),
            "family_name": attempt(Normalize.normalize_field_skip_hashing, "ln", person["family_name"]),
        },
        "meta_audiences": {
            name: attempt(audience_field, field, person[name]) for name, field in AUDIENCE_FIELDS.items()
        },
    }


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(normalized(json.loads(line))))
