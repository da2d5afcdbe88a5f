"""What ad platforms hold of a segment while consent is given and withdrawn, platforms are down, and people are erased.

The service, the senders and the HTTP servers of the platforms are real; the platforms behind the servers are fakes.
"""

from pathlib import Path

from graph.domain.model.audiences import Audience
from graph.domain.model.observations import Observation
from graph.domain.profile.consents import Decision
from service.bootstrap import Wiring
from service.destinations.customer_match import google_email, google_phone, meta_email, sha256
from tests.builders.ad_platforms import GoogleDataManager, MetaAudiences, Platform
from tests.builders.runs import Run
from tests.builders.sending import decide, erase, running, until, wired

PURPOSE = "third_party_sharing"
ANN, BEN = "Ann.Lee@gmail.com", "ben@example.com"
PHONE = "+4930901820"


def platforms(folder: Path, google: GoogleDataManager, meta: MetaAudiences, platform: Platform) -> Wiring:
    (folder / "meta.token").write_text(meta.token)
    return wired(
        folder,
        f"""
        [[destination]]
        name = "google"
        type = "google-data-manager"
        credentials = "file:{google.key_file(folder).name}"
        operating_account = "1234567890"
        poll_seconds = 1
        url = "{google.url}"

        [[destination]]
        name = "meta"
        type = "meta-custom-audiences"
        access_token = "file:meta.token"
        url = "{meta.url}"

        [[destination]]
        name = "dmp"
        type = "dmp"
        url = "{platform.url}"
        """,
    )


def test_platforms_hold_the_members_who_consent(run: Run, tmp_path: Path) -> None:
    with GoogleDataManager() as google, MetaAudiences() as meta, Platform() as platform:
        google.rounds = 0
        run(story(platforms(tmp_path, google, meta, platform), google, meta, platform))


async def story(wiring: Wiring, google: GoogleDataManager, meta: MetaAudiences, platform: Platform) -> None:
    async with running(wiring) as graph:
        # given Ann and Ben, who consent, and Eve, who does not
        await graph.link(
            [
                Observation("crm", (("crm_id", "C-1"), ("email", ANN), ("phone", PHONE), ("cookie", "ck-ann")), "1"),
                Observation("crm", (("crm_id", "C-2"), ("email", BEN), ("cookie", "ck-ben")), "2"),
                Observation("crm", (("crm_id", "C-3"), ("email", "eve@example.com")), "3"),
            ]
        )
        for address in (("email", ANN), ("email", BEN)):
            await decide(graph, PURPOSE, Decision.GIVEN, "EMAIL", *address)
        await decide(graph, PURPOSE, Decision.GIVEN, "PHONE", "phone", PHONE)
        await decide(graph, PURPOSE, Decision.GIVEN, "WEB", "cookie", "ck-ann")
        # when a segment goes to all platforms
        known = await graph.segments.create("known", {"hasNamespace": "crm_id"}, "")
        for destination, channel, external_id in (
            ("google", "EMAIL", "1001"),
            ("google", "PHONE", "1001"),
            ("meta", "EMAIL", "1001"),
            ("dmp", "WEB", "buyers"),
        ):
            audience = Audience("", destination, known.id, PURPOSE, channel, (), external_id)
            await graph.audiences.create(audience)
        # then each holds those who consent, as it knows them
        ann, ben = sha256(google_email(ANN.lower())), sha256(google_email(BEN))
        await until(lambda: google.held() == {ann, ben, sha256(google_phone(PHONE))})
        await until(lambda: meta.held() == {sha256(meta_email(ANN)), sha256(meta_email(BEN))})
        await until(lambda: set(platform.held) == {("buyers", "cookie", "ck-ann")})
        consents = {tuple(body["consent"].values()) for operation, body in google.bodies if operation == "ingest"}
        assert consents == {("CONSENT_GRANTED", "CONSENT_GRANTED")}
        # when Ann withdraws the consent for her email address, while Meta is down
        meta.stop()
        await decide(graph, PURPOSE, Decision.WITHDRAWN, "EMAIL", "email", ANN)
        # then the other channels keep her, and Google does not wait for Meta
        await until(lambda: google.held() == {ben, sha256(google_phone(PHONE))})
        assert set(platform.held) == {("buyers", "cookie", "ck-ann")}
        # when Meta is up again
        meta.start()
        # then
        await until(lambda: meta.held() == {sha256(meta_email(BEN))})
        # when Ann is erased
        await erase(graph, f"phone={PHONE}")
        # then
        await until(lambda: google.held() == {ben} and not platform.held)
        assert platform.lines[-1] == {
            "id_type": "cookie",
            "id": "ck-ann",
            "segment": "buyers",
            "action": "erase",
            "expires_at": "",
        }
