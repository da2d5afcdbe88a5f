"""Products in GraphQL."""

import strawberry

from graph.domain.model.products import Favourite as DomainFavourite
from graph.domain.model.products import Product as DomainProduct
from schema.shared.scalars import Timestamp


@strawberry.type(description="An article, as its source described it last.")
class Product:
    """A product in GraphQL."""

    sku: str = strawberry.field(description="The article number.")
    name: str = strawberry.field(description="Its name.")
    brand: str | None = strawberry.field(description="Its brand.")
    categories: list[str] = strawberry.field(description="The categories it belongs to.")
    source: str = strawberry.field(description="Who describes it.")
    stated_at: Timestamp = strawberry.field(description="When it was described.")

    @classmethod
    def of(cls, one: DomainProduct) -> "Product":
        """From the domain's value."""
        return cls(
            sku=one.sku,
            name=one.name,
            brand=one.brand or None,
            categories=list(one.categories),
            source=one.source,
            stated_at=Timestamp(one.stated_at),
        )


@strawberry.type(description="A category or a brand that a customer buys.")
class Favourite:
    """A favourite in GraphQL."""

    name: str = strawberry.field(description="The category or brand.")
    orders: int = strawberry.field(description="How many of the newest 100 orders hold it.")
    last_at: Timestamp = strawberry.field(description="When the newest of them was placed.")

    @classmethod
    def of(cls, one: DomainFavourite) -> "Favourite":
        """From the domain's value."""
        return cls(name=one.name, orders=one.orders, last_at=Timestamp(one.last_at))


@strawberry.type(description="What a customer buys, by its newest 100 orders; cancelled and returned ones left out.")
class Favourites:
    """Favourites in GraphQL."""

    categories: list[Favourite] = strawberry.field(description="Categories, those of most orders first.")
    brands: list[Favourite] = strawberry.field(description="Brands, those of most orders first.")


@strawberry.type(description="An article that was looked at and not bought since.")
class Viewed:
    """A viewed article in GraphQL."""

    sku: str = strawberry.field(description="The article number.")
    product: Product | None = strawberry.field(description="The article, where it is known.")
    last_at: Timestamp = strawberry.field(description="When it was looked at last.")
    in_cart: bool = strawberry.field(description="Whether it was put into a cart.")
