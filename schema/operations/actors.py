"""How the inputs of decisions describe who decides, and why."""

ACTOR = (
    "The person that the caller acts for, up to 100 characters. `sue via desk-app` is recorded; without an actor, the "
    "caller's name."
)
"""The description of every input field of an actor."""
REASON = "Why, up to 1,000 characters; stewards must state it. E.g. "
"""The beginning of the description of every input field of a reason."""
