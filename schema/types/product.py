"""Products in GraphQL."""

import strawberry

from graph.domain.access.scopes import BEHAVIOR_READ, CATALOG_READ
from graph.domain.model.products import Favorite as DomainFavorite
from graph.domain.model.products import Product as DomainProduct
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp


@requires(CATALOG_READ)
@strawberry.type(description="A product, as described by its newest record.")
class Product:
    """A product in GraphQL."""

    sku: str = strawberry.field(description="The stock-keeping unit. E.g. `SHIRT-M-BLUE`.")
    name: str = strawberry.field(description="The name of the product.")
    brand: str | None = strawberry.field(description="The brand of the product.")
    categories: list[str] = strawberry.field(description="The categories of the product. E.g. `shirts`.")
    source: str = strawberry.field(description="The source of this record. E.g. `pim`.")
    reported_at: Timestamp = strawberry.field(description="When the source reported this record.")

    @classmethod
    def of(cls, product: DomainProduct) -> "Product":
        """Convert the domain's value."""
        return cls(
            sku=product.sku,
            name=product.name,
            brand=product.brand or None,
            categories=list(product.categories),
            source=product.source,
            reported_at=Timestamp(product.reported_at),
        )


@requires(BEHAVIOR_READ)
@strawberry.type(description="A category or brand that a customer buys.")
class Favorite:
    """A favorite in GraphQL."""

    name: str = strawberry.field(description="The name of the category or brand. E.g. `shirts`.")
    order_count: int = strawberry.field(
        description="The number of orders that contain a product of this category or brand, among the newest 100."
    )
    last_ordered_at: Timestamp = strawberry.field(description="When the newest of these orders was placed.")

    @classmethod
    def of(cls, favorite: DomainFavorite) -> "Favorite":
        """Convert the domain's value."""
        return cls(
            name=favorite.name,
            order_count=favorite.order_count,
            last_ordered_at=Timestamp(favorite.last_ordered_at),
        )


@requires(BEHAVIOR_READ)
@strawberry.type(
    description="The favorite categories and brands of a customer, from the newest 100 orders. Canceled and returned "
    "orders are ignored."
)
class Favorites:
    """Favorites in GraphQL."""

    categories: list[Favorite] = strawberry.field(description="Categories by number of orders, highest first.")
    brands: list[Favorite] = strawberry.field(description="Brands by number of orders, highest first.")


@requires(BEHAVIOR_READ)
@strawberry.type(description="A product that the customer viewed or added to a cart and has not bought.")
class ViewedProduct:
    """A viewed product in GraphQL."""

    sku: str = strawberry.field(description="The stock-keeping unit. E.g. `SHIRT-M-BLUE`.")
    product: Product | None = strawberry.field(description="The product. Null if no record of it is stored.")
    last_viewed_at: Timestamp = strawberry.field(
        description="When the customer last viewed the product or added it to a cart."
    )
    added_to_cart: bool = strawberry.field(description="Whether the customer added the product to a cart.")
