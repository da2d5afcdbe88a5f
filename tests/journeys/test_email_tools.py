"""What email tools and CRMs hold of a segment while people consent, change, merge, withdraw and are erased.

The service, the senders and the HTTP servers of the vendors are real; the vendors behind the servers are fakes.
"""

from pathlib import Path

from graph.domain.model.audiences import Audience
from graph.domain.model.observations import Observation
from graph.domain.profile.attributes import AttributesStatement
from graph.domain.profile.consents import Decision
from graph.identity_graph import IdentityGraph
from tests.builders import brevo_server, hubspot_server, mailchimp_server, salesforce_server
from tests.builders.brevo_server import Brevo
from tests.builders.hubspot_server import Hubspot
from tests.builders.mailchimp_server import LIST, Mailchimp
from tests.builders.runs import Run
from tests.builders.salesforce_server import CAMPAIGN, CLIENT, Salesforce
from tests.builders.sending import decide, erase, running, until, wired

PURPOSE = "newsletter"
ANN, BEN, EVE = "ann@example.com", "ben@example.com", "eve@example.com"
FIRST_NAME = {
    "mailchimp": "FNAME",
    "brevo": "FIRSTNAME",
    "hubspot": "firstname",
    "salesforce": "FirstName",
}
"""What the vendors call the given name."""
FILE = """
[[destination]]
name = "mailchimp"
type = "mailchimp"
api_key = "file:mailchimp"
url = "{mailchimp}"

[[destination]]
name = "brevo"
type = "brevo"
api_key = "file:brevo"
url = "{brevo}"

[[destination]]
name = "hubspot"
type = "hubspot"
access_token = "file:hubspot"
url = "{hubspot}"

[[destination]]
name = "salesforce"
type = "salesforce"
url = "{salesforce}"
client_id = "{client}"
client_secret = "file:salesforce"
keys = {{ email = "Kith_Email__c" }}
"""


class Vendors:
    """Four vendors, and whom they would reach."""

    def __init__(self) -> None:
        self.mailchimp, self.brevo = Mailchimp(), Brevo(2)
        self.hubspot, self.salesforce = Hubspot("11"), Salesforce()
        self.all = (self.mailchimp, self.brevo, self.hubspot, self.salesforce)

    def file(self, folder: Path) -> str:
        """The configuration of the four, whose secrets are in files of a folder."""
        modules = {
            "mailchimp": mailchimp_server.KEY,
            "brevo": brevo_server.KEY,
            "hubspot": hubspot_server.TOKEN,
            "salesforce": salesforce_server.SECRET,
        }
        for name, secret in modules.items():
            (folder / name).write_text(secret)
        return FILE.format(**{name: getattr(self, name).url for name in modules}, client=CLIENT)

    def reached(self) -> tuple[set[str], ...]:
        return (
            self.mailchimp.subscribed(tag="Campers"),
            self.brevo.reached(2),
            self.hubspot.members("11"),
            self.salesforce.members(),
        )

    def reach(self, *emails: str) -> bool:
        return self.reached() == ({*emails},) * 4

    def names(self, email: str) -> set[str | None]:
        """The given names of a person at the vendors."""
        member, contact = self.mailchimp.member(email), self.brevo.contact(email)
        properties, record = self.hubspot.contact(email), self.salesforce.contact(email)
        return {
            member.merge_fields.get("FNAME") if member else None,
            contact.attributes.get("FIRSTNAME") if contact else None,
            properties.get("firstname") if properties else None,
            record.get("FirstName") if record else None,
        }


def test_vendors_hold_the_members_who_consent(run: Run, tmp_path: Path) -> None:
    vendors = Vendors()
    for vendor in vendors.all:
        vendor.start()
    try:
        run(story(vendors, tmp_path))
    finally:
        for vendor in vendors.all:
            vendor.stop()


async def story(vendors: Vendors, folder: Path) -> None:
    async with running(wired(folder, vendors.file(folder))) as graph:
        # given Ann and Ben, who consent, and Eve, who does not
        await graph.link(
            [
                Observation("crm", (("crm_id", "C-1"), ("email", ANN)), "1"),
                Observation("crm", (("crm_id", "C-2"), ("email", BEN), ("loyalty_card", "CARD-2000")), "2"),
                Observation("crm", (("crm_id", "C-3"), ("email", EVE)), "3"),
            ]
        )
        await name(graph, ANN, "Ann")
        await name(graph, BEN, "Ben")
        for email in (ANN, BEN):
            await decide(graph, PURPOSE, Decision.GIVEN, "EMAIL", "email", email)
        # when a segment goes to all vendors
        known = await graph.segments.create("known", {"hasNamespace": "crm_id"}, "")
        for destination, external_id in (
            ("mailchimp", f"{LIST}/Campers"),
            ("brevo", "2"),
            ("hubspot", "11"),
            ("salesforce", CAMPAIGN),
        ):
            fields = {FIRST_NAME[destination]: "given_name"}
            await graph.audiences.create(Audience("", destination, known.id, PURPOSE, "EMAIL", (), external_id, fields))
        # then each holds those who consent, with their names
        await until(lambda: vendors.reach(ANN, BEN))
        await until(lambda: (vendors.names(ANN), vendors.names(BEN)) == ({"Ann"}, {"Ben"}))
        # when a name changes
        await name(graph, ANN, "Anna")
        # then
        await until(lambda: vendors.names(ANN) == {"Anna"})
        # when Ben turns out to have another address, for which he consents, too
        await graph.link([Observation("till", (("loyalty_card", "CARD-2000"), ("email", "b@example.com")), "4")])
        await decide(graph, PURPOSE, Decision.GIVEN, "EMAIL", "email", "b@example.com")
        # then nobody leaves
        await until(lambda: vendors.reach(ANN, BEN, "b@example.com"))
        # when Ann withdraws the consent while HubSpot is down
        vendors.hubspot.stop()
        await decide(graph, PURPOSE, Decision.WITHDRAWN, "EMAIL", "email", ANN)
        # then the others do not wait for it
        await until(lambda: vendors.brevo.reached(2) == vendors.salesforce.members() == {BEN, "b@example.com"})
        await until(lambda: vendors.mailchimp.subscribed(tag="Campers") == {BEN, "b@example.com"})
        # when HubSpot is up again
        vendors.hubspot.start()
        # then she is out of all, and still a contact
        await until(lambda: vendors.reach(BEN, "b@example.com"))
        assert vendors.names(ANN) == {"Anna"}
        # when Ben is erased
        await erase(graph, f"email={BEN}")
        # then the vendors have deleted him
        await until(lambda: vendors.reach() and vendors.names(BEN) == vendors.names("b@example.com") == {None})
        assert vendors.names(ANN) == {"Anna"}
        assert vendors.hubspot.blocked == {BEN, "b@example.com"}


async def name(graph: IdentityGraph, email: str, given: str) -> None:
    await graph.record_attributes([AttributesStatement("crm", (("email", email),), {"given_name": given})])
