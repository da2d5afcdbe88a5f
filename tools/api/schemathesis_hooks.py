"""Hooks for schemathesis: generators for Kith's scalars, and a check of its answers.

The built-in check treats every GraphQL error with a path as a server error, but Kith reports invalid arguments of a
query that way, with a code.
"""

import schemathesis
from hypothesis import strategies as st
from schemathesis.graphql import nodes

schemathesis.graphql.scalar("DateTime", st.datetimes().map(lambda time: nodes.String(time.isoformat())))
schemathesis.graphql.scalar("Decimal", st.decimals(allow_nan=False).map(lambda number: nodes.String(str(number))))
schemathesis.graphql.scalar("JSON", st.just(nodes.Null))
schemathesis.graphql.scalar("ConsentChannel", st.sampled_from(("EMAIL", "SMS", "WEB")).map(nodes.Enum))
schemathesis.graphql.scalar("_Any", st.text().map(nodes.String))


@schemathesis.check
def no_server_failure(ctx, response, case) -> None:
    """No status of 500 or more, no internal error, a code on every error."""
    assert response.status_code < 500, response.text
    for error in response.json().get("errors", []):
        assert error["extensions"]["code"] != "INTERNAL_SERVER_ERROR", error
