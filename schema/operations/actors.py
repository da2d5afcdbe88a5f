"""How the inputs of decisions describe who decides, and why."""

ACTOR = (
    "The person that the caller acts for, up to 100 characters together with the caller's name: `sue via desk-app` is "
    "recorded. Without it, the caller's name is."
)
"""The description of every input field of an actor."""
REASON = "Why, up to 1,000 characters; stewards must state it. E.g. "
"""The beginning of the description of every input field of a reason."""
