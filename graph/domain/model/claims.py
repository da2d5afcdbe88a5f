"""Claims: statements that a caller could not prove, such as an address that a visitor typed into a form.

They are recorded under a source of their own, so that all who read can distinguish them from what a source itself has
seen.
"""

CLAIMED = ":claimed"
"""The end of the name of a source under which claims are recorded."""


def claimed_source(source: str) -> str:
    """Return the source under which the claims of a source are recorded."""
    return source + CLAIMED


def is_claimed(source: str) -> bool:
    """Whether a source is one of claims."""
    return source.endswith(CLAIMED)


def origin_of(source: str) -> str:
    """Return the source that a claim came from; any other source is its own origin."""
    return source.removesuffix(CLAIMED)
