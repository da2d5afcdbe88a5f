"""What can be said and asked of products."""

from typing import Annotated, TypeAlias

import strawberry

from graph.domain.model.errors import InvalidInput
from graph.domain.model.errors import Problem as DomainProblem
from graph.domain.model.products import Product as DomainProduct
from schema.shared.context import Info
from schema.shared.problems import Problem, Refused
from schema.shared.scalars import Timestamp, readable
from schema.types.product import Product


@strawberry.input(description="An article, as a PIM describes it.")
class ProductInput:
    """A product on the way in."""

    sku: str = strawberry.field(description="The article number, 1 to 100 characters, as order lines name it.")
    name: str = strawberry.field(description="Its name, 1 to 500 characters.")
    source: str = strawberry.field(description="Who describes it: 1 to 100 characters.")
    stated_at: Timestamp = strawberry.field(description="When; the newest description of an article counts.")
    brand: str | None = strawberry.field(default=None, description="Its brand, up to 200 characters.")
    categories: list[str] = strawberry.field(
        default_factory=list, description="Up to 20 categories, each of 1 to 200 characters."
    )

    def read(self) -> DomainProduct | DomainProblem:
        """As the domain's value, or what cannot be read in it."""
        try:
            stated_at = readable(self.stated_at, "statedAt")
        except InvalidInput as error:
            return error.problem()
        categories = tuple(dict.fromkeys(self.categories))
        return DomainProduct(self.sku, self.name, self.source, stated_at, self.brand or "", categories)


@strawberry.input(description="Products to take in.")
class RecordProductsInput:
    """The input of `recordProducts`."""

    products: list[ProductInput] = strawberry.field(description="1 to 1,000 products.")


@strawberry.type(description="A product that was taken in.")
class ProductAccepted:
    """An accepted product in GraphQL."""

    sku: str = strawberry.field(description="The article number.")
    counts: bool = strawberry.field(
        description="Whether this is the description that counts now; a newer one may be known."
    )


ProductResult: TypeAlias = Annotated[
    ProductAccepted | Refused, strawberry.union("ProductResult", description="What became of one product.")
]


@strawberry.type(description="A result for each item, in the order of the items.")
class ProductsPayload:
    """The payload of `recordProducts`."""

    results: list[ProductResult] = strawberry.field(description="One result an item; empty if `errors` is not.")
    errors: list[Problem] = strawberry.field(description="What is wrong with the request as a whole.")


@strawberry.type
class ProductMutations:
    """What can be said of products."""

    @strawberry.mutation(
        description="Take in what articles are. Lines of orders and interactions that name an article show it at once, "
        "also those from before. Safe to repeat."
    )
    async def record_products(self, info: Info, input: RecordProductsInput) -> ProductsPayload:
        """Take in products."""
        try:
            answers = await info.context.graph.record_products([one.read() for one in input.products])
        except InvalidInput as error:
            return ProductsPayload(results=[], errors=[Problem.of(error.problem())])
        results: list[ProductAccepted | Refused] = [
            Refused(problem=Problem.of(answer))
            if isinstance(answer, DomainProblem)
            else ProductAccepted(sku=one.sku, counts=answer)
            for one, answer in zip(input.products, answers, strict=True)
        ]
        return ProductsPayload(results=results, errors=[])


@strawberry.type
class ProductQueries:
    """What can be asked of products."""

    @strawberry.field(description="An article by its number; null where none is known.")
    async def product(
        self, info: Info, sku: Annotated[str, strawberry.argument(description="The article number.")]
    ) -> Product | None:
        """One product."""
        found = await info.context.loaders.products.load(sku)
        return None if found is None else Product.of(found)
