"""A Singer tap of contacts, as authors of taps write it with the Singer SDK.

    python tap_contacts.py --config CONFIG [--state STATE]

The configuration has `contacts`, the number of contacts. They are numbered, and the number is the replication key: from
a state, the tap goes on with the contact it names.
"""

from singer_sdk import Stream, Tap
from singer_sdk import typing as th


class Contacts(Stream):
    """Contacts, in the order of their numbers."""

    name = "contacts"
    primary_keys = ("id",)
    replication_key = "number"
    is_sorted = True
    STATE_MSG_FREQUENCY = 50
    schema = th.PropertiesList(
        th.Property("id", th.StringType, required=True),
        th.Property("number", th.IntegerType, required=True),
        th.Property("email", th.StringType),
        th.Property("first_name", th.StringType),
        th.Property("updated_at", th.DateTimeType),
    ).to_dict()

    def get_records(self, context):
        """Yield the contacts from the state on."""
        for number in range(self.get_starting_replication_key_value(context) or 0, self.config["contacts"]):
            yield {
                "id": f"C{number}",
                "number": number,
                "email": f"c{number}@example.com",
                "first_name": f"Ann {number}",
                "updated_at": "2026-03-01T10:00:00Z",
            }


class TapContacts(Tap):
    """A tap with one stream."""

    name = "tap-contacts"
    config_jsonschema = th.PropertiesList(th.Property("contacts", th.IntegerType, required=True)).to_dict()

    def discover_streams(self):
        """Return the streams."""
        return [Contacts(tap=self)]


if __name__ == "__main__":
    TapContacts.cli()
