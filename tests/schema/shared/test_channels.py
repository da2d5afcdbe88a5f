"""The scalar of channels: names and strings in any case, and a problem if the catalog does not have the channel."""

from typing import Any

import pytest
from graphql import GraphQLError, parse_value

from graph.domain.model.errors import InvalidInput
from graph.domain.profile.catalog import Catalog
from schema.shared.channels import CHANNEL_SCALAR, Channel, channel_or_every

SCALAR = CHANNEL_SCALAR[Channel]


@pytest.mark.parametrize(("sent", "expected"), [("EMAIL", "EMAIL"), (" email", "EMAIL"), ("", ""), (7, "7")])
def test_a_value_is_a_name_in_upper_case(sent: Any, expected: str) -> None:
    assert SCALAR.parse_value(sent) == expected


@pytest.mark.parametrize(
    ("literal", "expected"), [("EMAIL", "EMAIL"), ("email", "EMAIL"), ('"Sms"', "SMS"), ("7", "7")]
)
def test_a_literal_is_a_name_or_a_string(literal: str, expected: str) -> None:
    assert SCALAR.parse_literal(parse_value(literal), None) == expected


@pytest.mark.parametrize("literal", ["[EMAIL]", "{a: 1}"])
def test_lists_and_objects_are_not_channels(literal: str) -> None:
    with pytest.raises(GraphQLError, match="a channel such as EMAIL is expected"):
        SCALAR.parse_literal(parse_value(literal), None)


def test_only_a_missing_channel_means_every_channel() -> None:
    assert channel_or_every(None, Catalog()) == ""
    assert channel_or_every(Channel("SOCIAL"), Catalog()) == "SOCIAL"
    for unknown in ("", "FAX"):
        with pytest.raises(InvalidInput) as raised:
            channel_or_every(Channel(unknown), Catalog())
        assert (raised.value.code, raised.value.path) == ("UNKNOWN_CHANNEL", ("channel",))
        assert f"channel {unknown!r} is unknown; known are EMAIL, PHONE, SMS" in raised.value.message
