"""What became of emails to an address, as sources report it by interactions of some types."""

from msgspec import Struct

EMAIL_BOUNCED = "email_bounced"
"""The address refuses emails for good: a hard bounce."""
EMAIL_ARRIVED = ("email_delivered", "email_opened", "email_link_clicked")
"""An email arrived."""


class EmailEvent(Struct, frozen=True, gc=False):
    """What a source reported of emails to the address `key`: one that bounced, or the last one that arrived.

    `at` is in microseconds.
    """

    key: str
    source: str
    bounced: bool
    at: int
