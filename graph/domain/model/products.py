"""Products as a PIM reports them: details on the SKUs of order lines and interactions."""

from collections.abc import Callable, Container, Mapping, Sequence
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct, field
from msgspec.json import Decoder

from graph.domain.model.errors import Problem
from graph.domain.model.json_text import check_json, compact
from graph.domain.model.money import Money, check_money
from graph.domain.model.observations import MAX_SOURCE_LENGTH
from graph.domain.model.validation import check_text, check_time

MAX_CATEGORIES = 20
MAX_CATEGORY_LENGTH = 750
MAX_IMAGES = 50
MAX_URL_LENGTH = 2_000
MAX_DESCRIPTION_LENGTH = 5_000
MAX_ATTRIBUTES = 100
MAX_ATTRIBUTE_NAME_LENGTH = 100
MAX_ATTRIBUTE_LENGTH = 1_000
"""Characters of a text among the attributes."""
MAX_ATTRIBUTE_VALUES = 50
"""Texts of an attribute that has several."""
GTIN_LENGTHS = (8, 12, 13, 14)

AttributeValue = str | int | float | bool | tuple[str, ...]
"""A text, a number, a truth value, or several texts."""


class Availability(Enum):
    """Whether a product can be bought."""

    IN_STOCK = "in_stock"
    OUT_OF_STOCK = "out_of_stock"
    PREORDER = "preorder"
    BACKORDER = "backorder"
    DISCONTINUED = "discontinued"


class Product(Struct, frozen=True, gc=False):
    """What a source reports of a product; the newest `reported_at` (microseconds) counts, then the smaller source.

    `categories` are paths. An empty text, `None` and an empty collection mean that the source does not say it.
    """

    sku: str
    name: str
    source: str
    reported_at: int
    brand: str = ""
    categories: tuple[str, ...] = ()
    description: str = ""
    url: str = ""
    images: tuple[str, ...] = ()
    price: Money | None = None
    sale_price: Money | None = None
    gtin: str = ""
    availability: Availability | None = None
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)

    def takes_precedence_over(self, other: "Product") -> bool:
        """Whether this report takes precedence over another one of the same product."""
        return (-self.reported_at, self.source) < (-other.reported_at, other.source)

    def details(self) -> str:
        """Return the fields behind `categories` as JSON text; those that are not stated are left out."""
        return compact(_Details(*(getattr(self, name) for name in _Details.__struct_fields__)))

    @classmethod
    def of(
        cls, sku: str, name: str, source: str, reported_at: int, brand: str, categories: Sequence[str], details: str
    ) -> "Product":
        """Return the product with the text that `details` returned."""
        stored = _DETAILS.decode(details)
        more = (getattr(stored, name) for name in _Details.__struct_fields__)
        return cls(sku, name, source, reported_at, brand, tuple(categories), *more)


class _Details(Struct, frozen=True, gc=False, omit_defaults=True):
    """The fields of a product behind `categories`, as they are stored."""

    description: str = ""
    url: str = ""
    images: tuple[str, ...] = ()
    price: Money | None = None
    sale_price: Money | None = None
    gtin: str = ""
    availability: Availability | None = None
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)


_DETAILS = Decoder(_Details)


def stated_attributes(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a product that have a value: neither null, nor an empty text or list."""
    stated = {name: value for name, value in values.items() if value is not None and value not in ("", [], ())}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in stated.items()}


def attribute_values(product: Product) -> dict[str, Any]:
    """Return the attributes of a product as JSON has them: several texts as a list."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in product.attributes.items()}


def attribute_texts(value: AttributeValue) -> tuple[str, ...]:
    """Return the texts of an attribute's value: `true` and `false` of a truth value, the digits of a number."""
    match value:
        case tuple():
            return value
        case bool():
            return ("true" if value else "false",)
        case str():
            return (value,)
        case _:
            return (str(value).removesuffix(".0"),)


def check_product(product: Product, currencies: Container[str], now: int) -> Problem | None:
    """Return the problem of a product, if any; `currencies` are the ISO 4217 codes, `now` is in microseconds."""
    texts = (
        ("brand", product.brand, 200),
        ("description", product.description, MAX_DESCRIPTION_LENGTH),
    )
    return (
        check_text("sku", product.sku, 100)
        or check_text("name", product.name, 500)
        or check_text("source", product.source, MAX_SOURCE_LENGTH)
        or next((problem for name, text, length in texts if text and (problem := check_text(name, text, length))), None)
        or _check_each("categories", product.categories, MAX_CATEGORIES, _check_category)
        or (_check_url("url", product.url) if product.url else None)
        or _check_each("images", product.images, MAX_IMAGES, _check_url)
        or (check_money("price", product.price, currencies) if product.price else None)
        or (check_money("salePrice", product.sale_price, currencies) if product.sale_price else None)
        or (_check_gtin(product.gtin) if product.gtin else None)
        or (_check_attributes(product.attributes) if product.attributes else None)
        or check_time("reportedAt", product.reported_at, now)
    )


def _check_each(
    name: str, values: Sequence[str], max_count: int, check: Callable[[str, str], Problem | None]
) -> Problem | None:
    if len(values) > max_count:
        message = f"{name} holds {len(values)} entries; {max_count} are allowed"
        return Problem("INVALID_COUNT", message, (name,))
    for index, value in enumerate(values):
        if problem := check(name, value):
            return Problem(problem.code, problem.message, (name, index))
    return None


def _check_category(name: str, value: str) -> Problem | None:
    return check_text(name, value, MAX_CATEGORY_LENGTH)


def _check_url(name: str, value: str) -> Problem | None:
    if problem := check_text(name, value, MAX_URL_LENGTH):
        return problem
    try:
        parts = urlsplit(value)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and not any(map(str.isspace, value))
    except ValueError:  # such as brackets that hold no IPv6 address
        is_url = False
    if is_url:
        return None
    message = f"{name} is {value[:100]!r}; a URL that begins with https:// or http:// is required"
    return Problem("INVALID_VALUE", message, (name,))


def _check_gtin(gtin: str) -> Problem | None:
    if gtin.isascii() and gtin.isdigit() and len(gtin) in GTIN_LENGTHS:
        # From the right, the digits before the check digit count three times and once in turn (GS1).
        total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(gtin)))
        if total % 10 == 0:
            return None
        message = f"gtin {gtin} has another check digit than its other digits require"
    else:
        message = f"gtin is {gtin[:40]!r}; 8, 12, 13 or 14 digits are required"
    return Problem("INVALID_VALUE", message, ("gtin",))


def _check_attributes(attributes: Mapping[str, Any]) -> Problem | None:
    if len(attributes) > MAX_ATTRIBUTES:
        message = f"attributes holds {len(attributes)} entries; {MAX_ATTRIBUTES} are allowed"
        return Problem("INVALID_COUNT", message, ("attributes",))
    for name, value in attributes.items():
        problem = check_text("attributes", name, MAX_ATTRIBUTE_NAME_LENGTH) or _check_attribute(name, value)
        if problem:
            return Problem(problem.code, problem.message, ("attributes", name[:MAX_ATTRIBUTE_NAME_LENGTH]))
    return None


def _check_attribute(name: str, value: object) -> Problem | None:
    shown = f"attributes.{name}"
    match value:
        case str():
            return check_text(shown, value, MAX_ATTRIBUTE_LENGTH)
        case bool():
            return None
        case int() | float():
            return check_json(value, shown)
        case tuple() if all(isinstance(text, str) for text in value):
            if len(value) > MAX_ATTRIBUTE_VALUES:
                message = f"{shown} holds {len(value)} texts; {MAX_ATTRIBUTE_VALUES} are allowed"
                return Problem("INVALID_COUNT", message)
            problems = (check_text(shown, text, MAX_ATTRIBUTE_LENGTH) for text in value)
            return next((problem for problem in problems if problem), None)
    message = f"{shown} is not a text, a number, true, false or a list of texts"
    return Problem("INVALID_VALUE", message)
