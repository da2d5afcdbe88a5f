"""What happens around every operation."""

from collections.abc import Callable, Iterator

from graphql import GraphQLError, OperationDefinitionNode
from strawberry.extensions import ParserCache, SchemaExtension, ValidationCache

DOCUMENTS = 1_000
"""Documents that are kept parsed and validated; clients send few different ones, over and over."""


class OneOperation(SchemaExtension):
    """A document with several operations needs a name; Strawberry would run the first."""

    def on_parse(self) -> Iterator[None]:
        """Look once the document is parsed."""
        yield
        document = self.execution_context.graphql_document
        # `operation_name` falls back to the first operation's, so what the caller provided is looked at.
        if document is None or self.execution_context._provided_operation_name:
            return
        operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
        if len(operations) > 1:
            raise GraphQLError("the document holds several operations: operationName must name one", operations)


EXTENSIONS: list[type[SchemaExtension] | Callable[[], SchemaExtension]] = [
    lambda: ParserCache(maxsize=DOCUMENTS),
    OneOperation,
    lambda: ValidationCache(maxsize=DOCUMENTS),
]
