"""Statements and decisions about one person, made from the SDL, with canaries wherever a sender may choose a text."""

from collections.abc import Iterator
from itertools import count
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
)

CANARY = "zqcanary"
"""What every canary contains."""
PERSON = f"{CANARY}person@example.com"
"""The address of the person whom all statements name."""
STATEMENTS = (
    "linkIdentifiers",
    "recordAttributes",
    "recordConsents",
    "recordExternalSegments",
    "recordInteractions",
    "recordOrders",
)
"""The mutations that record something of a person. A test checks that there are no others."""
DECISIONS = ("restrictSubject", "blockIdentifier", "keepApart", "keepTogether", "unblockIdentifier")
"""The mutations that name identifiers of a person; who is restricted is not blocked before."""
FIXED: dict[str, Any] = {
    "source": "shop",
    "actor": "steward",
    "purpose": "newsletter",
    "channel": "EMAIL",
    "currency": "EUR",
    "birthDate": "1980-05-04",
    "language": "en",
    "country": None,
    "region": None,
    "seenAt": "2026-01-01T00:00:00Z",
    "placedAt": "2026-01-01T00:00:00Z",
    "reportedAt": "2026-01-02T00:00:00Z",
    "occurredAt": "2026-01-01T00:00:00Z",
    "decidedAt": "2026-01-01T00:00:00Z",
    "expiresAt": "2036-01-01T00:00:00Z",
    "confidence": None,
    "decision": "GIVEN",
    "method": "DOUBLE_OPT_IN",
    "requestedAt": "2026-01-01T00:00:00Z",
    "confirmedAt": "2026-01-01T00:00:00Z",
    "policyText": "I agree.",
    "tcString": None,
    "party": None,
    "customAttributes": [],
}
"""What has to have a form, by field. Names of sources and texts shown to all are not about the person."""
RESULTS = "results { __typename ... on Rejected { problem { code message path } } }"
SCALARS: dict[str, Any] = {"Boolean": True, "Int": 1, "Float": 1.0, "Decimal": "1.00"}


class PersonalInputs:
    """Makes the inputs of mutations about the person. `other` is a second identifier, for decisions on two."""

    def __init__(self, schema: GraphQLSchema, other: str) -> None:
        assert schema.mutation_type is not None
        self._mutations, self._other, self._numbers = schema.mutation_type.fields, other, count()

    def documents(self, names: tuple[str, ...]) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield name, document and variables of each mutation."""
        for name in names:
            kind = self._mutations[name].args["input"].type
            results = RESULTS if name in STATEMENTS else ""
            fields = f"{results} errors {{ code message path }}"
            document = f"mutation($input: {kind}) {{ {name}(input: $input) {{ {fields} }} }}"
            yield name, document, {"input": self._value("input", kind)}

    def _text(self) -> str:
        return f"{CANARY}{next(self._numbers)}"

    def _value(self, name: str, kind: GraphQLInputType) -> Any:
        if name in FIXED:
            return FIXED[name]
        if isinstance(kind, GraphQLNonNull):
            return self._value(name, kind.of_type)
        if isinstance(kind, GraphQLList):
            return [self._value(name, kind.of_type)]
        if isinstance(kind, GraphQLEnumType):
            return next(iter(kind.values))
        if isinstance(kind, GraphQLInputObjectType):
            if kind.name == "IdentifierInput":
                value = self._other if name == "b" else PERSON
                return {"namespace": "email", "value": value}
            if kind.name == "CustomerBy":
                return {"identifier": self._value("identifier", kind.fields["identifier"].type)}
            return {field: self._value(field, value.type) for field, value in kind.fields.items()}
        if kind.name == "JSON":
            return {self._text(): self._text()}
        return SCALARS.get(kind.name, self._text())
