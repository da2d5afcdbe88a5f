"""The scalar for channels of consent: attributes.toml declares them, so they are not an enum of the schema."""

from typing import Any, NewType

import strawberry
from graphql import (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    GraphQLError,
    IntValueNode,
    StringValueNode,
    ValueNode,
)
from strawberry.types.scalar import ScalarDefinition

from graph.domain.model.errors import InvalidInput
from graph.domain.profile.catalog import Catalog
from graph.domain.profile.consents import EVERY_CHANNEL, check_channel

Channel = NewType("Channel", str)
"""The name of a channel in upper case."""


def channel_or_every(channel: Channel | None, catalog: Catalog) -> str:
    """Return a channel, or `EVERY_CHANNEL` if none is given. Raises `InvalidInput` if it is not declared."""
    if channel is None:
        return EVERY_CHANNEL
    if problem := check_channel(channel, catalog.channels):
        raise InvalidInput(problem.code, problem.message, problem.path)
    return channel


def _parse(value: Any) -> str:
    # Whether the channel exists is checked with the item that names it, so that it rejects only this item.
    return str(value).strip().upper()


def _parse_literal(node: ValueNode, variables: object = None) -> str:
    if isinstance(node, EnumValueNode | StringValueNode | IntValueNode | FloatValueNode | BooleanValueNode):
        return _parse(node.value)
    raise GraphQLError("a channel such as EMAIL is expected", node)


CHANNEL_SCALAR: dict[object, ScalarDefinition] = {
    Channel: strawberry.scalar(
        name="ConsentChannel",
        description="A channel through which a person can be contacted, such as `EMAIL`; attributes.toml declares the "
        "channels, and `consentChannels` lists them. Input is a name or a string, in any case. Output is a string in "
        "upper case.",
        serialize=str,
        parse_value=_parse,
        parse_literal=_parse_literal,
    ),
}
