"""Mutations and queries of products."""

from typing import Annotated, TypeAlias

import strawberry
from strawberry.scalars import JSON

from graph.domain.access.scopes import CATALOG_READ, PRODUCT_WRITE
from graph.domain.model.categories import category_paths
from graph.domain.model.errors import InvalidInput
from graph.domain.model.errors import Problem as DomainProblem
from graph.domain.model.money import Money as DomainMoney
from graph.domain.model.products import (
    MAX_ATTRIBUTE_LENGTH,
    MAX_ATTRIBUTE_VALUES,
    MAX_ATTRIBUTES,
    MAX_CATEGORY_LENGTH,
    MAX_DESCRIPTION_LENGTH,
    MAX_IMAGES,
    Availability,
    stated_attributes,
)
from graph.domain.model.products import Product as DomainProduct
from schema.shared.context import Info
from schema.shared.evidence_tier import STATED_SOURCE
from schema.shared.problems import Problem, Rejected
from schema.shared.required_scopes import requires
from schema.shared.scalars import Amount, Timestamp, require_valid
from schema.types.product import Product


@strawberry.input(description="An amount of money.")
class MoneyInput:
    """An amount of money as a client sends it."""

    amount: Amount = strawberry.field(description='The amount, not negative. E.g. `"12.50"`.')
    currency: str = strawberry.field(description="The ISO 4217 code of the currency, in either case. E.g. `EUR`.")

    def to_domain(self, name: str) -> DomainMoney:
        """Convert to the domain's value; raises `InvalidInput`, in which the field is called `name`."""
        try:
            amount = require_valid(self.amount, "amount")
        except InvalidInput as error:
            raise InvalidInput(error.code, f"{name}.{error.message}", (name, *error.path)) from None
        return DomainMoney(self.currency.strip().upper(), amount)


@strawberry.input(description="A product record. E.g. from a product information system.")
class ProductInput:
    """A product as a client sends it."""

    sku: str = strawberry.field(
        description="The stock-keeping unit, 1 to 100 characters, as in order lines. E.g. `SHIRT-M-BLUE`."
    )
    name: str = strawberry.field(description="The name of the product, 1 to 500 characters.")
    source: str = strawberry.field(description=f"The source of the record, {STATED_SOURCE} E.g. `pim`.")
    reported_at: Timestamp = strawberry.field(
        description="When the source reported the record. The newest record of a product is in effect."
    )
    brand: str | None = strawberry.field(default=None, description="The brand, up to 200 characters.")
    categories: list[str] = strawberry.field(
        default_factory=list,
        description="Up to 20 categories, each the path of its levels with ` > ` between them. E.g. "
        f"`Clothing > Women > Dresses`, or `shirts`. 1 to {MAX_CATEGORY_LENGTH} characters.",
    )
    description: str | None = strawberry.field(
        default=None, description=f"The description, up to {MAX_DESCRIPTION_LENGTH:,} characters."
    )
    url: str | None = strawberry.field(default=None, description="The URL of the product's page.")
    images: list[str] = strawberry.field(
        default_factory=list, description=f"The URLs of up to {MAX_IMAGES} pictures, the main one first."
    )
    price: MoneyInput | None = strawberry.field(default=None, description="The regular price.")
    sale_price: MoneyInput | None = strawberry.field(default=None, description="The reduced price.")
    gtin: str | None = strawberry.field(
        default=None,
        description="The global trade item number (EAN, UPC, ISBN): 8, 12, 13 or 14 digits. E.g. `4006381333931`.",
    )
    availability: Availability | None = strawberry.field(default=None, description="Whether the product can be bought.")
    attributes: JSON | None = strawberry.field(
        default=None,
        description="Further attributes by any name, as a JSON object. A value is a text of up to "
        f"{MAX_ATTRIBUTE_LENGTH:,} characters, a number, true, false, or a list of up to {MAX_ATTRIBUTE_VALUES} texts. "
        f'Up to {MAX_ATTRIBUTES} attributes. E.g. `{{"size": "M", "color": "blue"}}`.',
    )

    def to_domain(self) -> DomainProduct | DomainProblem:
        """Convert to the domain's value, or return the first problem."""
        try:
            reported_at = require_valid(self.reported_at, "reportedAt")
            price = None if self.price is None else self.price.to_domain("price")
            sale_price = None if self.sale_price is None else self.sale_price.to_domain("salePrice")
        except InvalidInput as error:
            return error.problem()
        if not isinstance(self.attributes, dict | None):
            return DomainProblem("INVALID_VALUE", "attributes is not a JSON object", ("attributes",))
        return DomainProduct(
            self.sku,
            self.name,
            self.source,
            reported_at,
            self.brand or "",
            category_paths(self.categories),
            self.description or "",
            self.url or "",
            tuple(dict.fromkeys(self.images)),
            price,
            sale_price,
            self.gtin or "",
            self.availability,
            stated_attributes(self.attributes or {}),
        )


@strawberry.input(description="The input of `recordProducts`.")
class RecordProductsInput:
    """The input of `recordProducts`."""

    products: list[ProductInput] = strawberry.field(description="1 to 1,000 products.")


@requires(PRODUCT_WRITE)
@strawberry.type(description="A product record that was accepted.")
class ProductAccepted:
    """An accepted product in GraphQL."""

    sku: str = strawberry.field(description="The stock-keeping unit. E.g. `SHIRT-M-BLUE`.")
    is_current: bool = strawberry.field(
        description="Whether this record is now in effect. False if a newer record of the product is stored."
    )


ProductResult: TypeAlias = Annotated[
    ProductAccepted | Rejected,
    strawberry.union("ProductResult", description="The result of one item of `recordProducts`."),
]


@requires(PRODUCT_WRITE)
@strawberry.type(description="The result of `recordProducts`.")
class ProductsPayload:
    """The payload of `recordProducts`."""

    results: list[ProductResult] = strawberry.field(
        description="One result per item, in the order of the input. Empty if `errors` is not empty."
    )
    errors: list[Problem] = strawberry.field(
        description="Problems of the request as a whole. If there are any, no item was recorded."
    )


@requires(record_products=PRODUCT_WRITE)
@strawberry.type
class ProductMutations:
    """Mutations of products."""

    @strawberry.mutation(
        description="Record products. Order lines and interactions show the record of their product at once, also "
        "those recorded before it. Idempotent."
    )
    async def record_products(self, info: Info, input: RecordProductsInput) -> ProductsPayload:
        """Record products."""
        try:
            answers = await info.context.graph.record_products([product.to_domain() for product in input.products])
        except InvalidInput as error:
            return ProductsPayload(results=[], errors=[Problem.of(error.problem())])
        results: list[ProductAccepted | Rejected] = [
            Rejected(problem=Problem.of(answer))
            if isinstance(answer, DomainProblem)
            else ProductAccepted(sku=product.sku, is_current=answer)
            for product, answer in zip(input.products, answers, strict=True)
        ]
        return ProductsPayload(results=results, errors=[])


@requires(product=CATALOG_READ)
@strawberry.type
class ProductQueries:
    """Queries of products."""

    @strawberry.field(description="The product with this stock-keeping unit. Null if no record of it is stored.")
    async def product(
        self,
        info: Info,
        sku: Annotated[str, strawberry.argument(description="The stock-keeping unit. E.g. `SHIRT-M-BLUE`.")],
    ) -> Product | None:
        """Return one product."""
        product = await info.context.loaders.products.load(sku)
        return None if product is None else Product.of(product)
