"""What schemathesis is told of Kith: its scalars, and which answers are wrong.

Its own check takes every GraphQL error with a path for a server's; Kith answers what a caller got wrong in a query that
way, with a code.
"""

import schemathesis
from hypothesis import strategies as st
from schemathesis.graphql import nodes

schemathesis.graphql.scalar("DateTime", st.datetimes().map(lambda one: nodes.String(one.isoformat())))
schemathesis.graphql.scalar("Decimal", st.decimals(allow_nan=False).map(lambda one: nodes.String(str(one))))
schemathesis.graphql.scalar("JSON", st.just(nodes.Null))
schemathesis.graphql.scalar("_Any", st.text().map(nodes.String))


@schemathesis.check
def no_fault_of_the_service(ctx, response, case) -> None:
    """No status of 500 or more, no internal error, a code on every error."""
    assert response.status_code < 500, response.text
    for error in response.json().get("errors", []):
        assert error["extensions"]["code"] != "INTERNAL", error
