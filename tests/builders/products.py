"""Products with everything that a PIM can report of them."""

from decimal import Decimal

from graph.domain.model.money import Money
from graph.domain.model.products import Availability, Product

DETAILED = Product(
    "S-1",
    "Shoe",
    "pim",
    1_767_225_600_000_000,
    "Acme",
    ("Shoes > Running", "summer"),
    "Light\nand fast",
    "https://shop.example/s-1",
    ("https://shop.example/s-1.jpg", "https://shop.example/s-1-back.jpg"),
    Money("EUR", Decimal("89.90")),
    Money("EUR", Decimal("59.00")),
    "4006381333931",
    Availability.PREORDER,
    {"size": 42, "weight": 0.25, "color": ("red", "blue"), "vegan": True, "material": "mesh"},
)
