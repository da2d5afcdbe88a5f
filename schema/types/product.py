"""Products in GraphQL."""

import strawberry
from strawberry.scalars import JSON

from graph.domain.access.scopes import BEHAVIOR_READ, CATALOG_READ
from graph.domain.model.products import Availability, attribute_values
from graph.domain.model.products import Product as DomainProduct
from graph.domain.profile.favorites import Favorite as DomainFavorite
from schema.shared.enums import describe_enum
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp
from schema.types.money import Money

describe_enum(
    Availability,
    "ProductAvailability",
    "Whether a product can be bought.",
    IN_STOCK="Can be bought and is delivered at once.",
    OUT_OF_STOCK="Cannot be bought for now.",
    PREORDER="Can be ordered before it is released.",
    BACKORDER="Can be ordered, and is delivered later.",
    DISCONTINUED="Is no longer sold.",
)


@requires(CATALOG_READ)
@strawberry.type(description="A product, as described by its newest record.")
class Product:
    """A product in GraphQL."""

    sku: str = strawberry.field(description="The stock-keeping unit. E.g. `SHIRT-M-BLUE`.")
    name: str = strawberry.field(description="The name of the product.")
    brand: str | None = strawberry.field(description="The brand of the product.")
    categories: list[str] = strawberry.field(
        description="The categories of the product, each as a path of levels. E.g. `Clothing > Women > Dresses`, or "
        "`shirts`, which has one level."
    )
    description: str | None = strawberry.field(description="The description of the product.")
    url: str | None = strawberry.field(description="The URL of the product's page.")
    images: list[str] = strawberry.field(description="The URLs of pictures of the product, the main one first.")
    price: Money | None = strawberry.field(description="The regular price.")
    sale_price: Money | None = strawberry.field(description="The reduced price.")
    gtin: str | None = strawberry.field(
        description="The global trade item number, under which tills scan it. E.g. `4006381333931`."
    )
    availability: Availability | None = strawberry.field(description="Whether the product can be bought.")
    attributes: JSON | None = strawberry.field(
        description='Further attributes, as a JSON object. E.g. `{"size": "M", "color": "blue"}`.'
    )
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
            description=product.description or None,
            url=product.url or None,
            images=list(product.images),
            price=None if product.price is None else Money.of(product.price),
            sale_price=None if product.sale_price is None else Money.of(product.sale_price),
            gtin=product.gtin or None,
            availability=product.availability,
            attributes=JSON(attribute_values(product)) if product.attributes else None,
            source=product.source,
            reported_at=Timestamp(product.reported_at),
        )


@requires(BEHAVIOR_READ)
@strawberry.type(description="A category or brand that a customer buys.")
class Favorite:
    """A favorite in GraphQL."""

    name: str = strawberry.field(description="The path of the category, or the name of the brand. E.g. `shirts`.")
    order_count: int = strawberry.field(
        description="The number of orders that contain a product of this category, of one below it, or of this brand, "
        "among the newest 100."
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
