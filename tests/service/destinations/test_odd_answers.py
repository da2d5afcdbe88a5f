"""Whatever a vendor answers, an adapter says of each update what became of it, or that nothing was taken."""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from service.destinations.adapter import Adapter, MemberUpdate, Outcome, Unavailable
from service.destinations.brevo import BrevoAdapter, BrevoSettings
from service.destinations.hubspot import HubspotAdapter, HubspotSettings
from service.destinations.mailchimp import MailchimpAdapter, MailchimpSettings
from service.destinations.salesforce import SalesforceAdapter
from service.destinations.salesforce_api import SalesforceSettings
from tests.builders.member_updates import update
from tests.builders.salesforce_server import CAMPAIGN
from tests.builders.vendor_servers import Received, Reply, VendorServer

KEY = SecretStr("0123456789-us1")
BODIES = (
    b"",
    b"<html>",
    b"null",
    b"[]",
    b"[1, null]",
    b"[{}, {}]",
    b"{}",
    b'{"results": {}, "errors": [{"context": 1}], "records": [[]], "status": [], "contacts": null}',
    b'{"results": [{"id": null}], "errors": [{"context": {"ids": [null]}, "message": {}}], "message": [1]}',
    b'[{"success": false, "errors": null}, {"success": true}]',
    b'[{"errorCode": 1, "message": null}]',
    b"\xff\xfe",
)
STATUSES = (200, 201, 204, 207, 301, 400, 401, 403, 404, 405, 409, 422, 429, 500)
LISTS = {
    "mailchimp": ("a1/VIP", "a1"),
    "brevo": ("2", "3"),
    "hubspot": ("11", "vip"),
    "salesforce": (CAMPAIGN, "VIP__c"),
}


def mailchimp(url: str) -> Adapter:
    return MailchimpAdapter(MailchimpSettings.model_construct(name="a", type="mailchimp", api_key=KEY, url=url))


def brevo(url: str) -> Adapter:
    return BrevoAdapter(BrevoSettings.model_construct(name="a", type="brevo", api_key=KEY, url=url))


def hubspot(url: str) -> Adapter:
    return HubspotAdapter(HubspotSettings.model_construct(name="a", type="hubspot", access_token=KEY, url=url))


def salesforce(url: str) -> Adapter:
    keys = {"email": "Kith_Email__c"}
    values: dict[str, Any] = {"name": "a", "type": "salesforce", "client_id": "c", "client_secret": KEY, "keys": keys}
    return SalesforceAdapter(SalesforceSettings.model_construct(**values, url=url))


class Odd(VendorServer):
    """Answers as it is told to, but for logins."""

    reply = Reply()

    def answer(self, request: Received) -> Reply:
        return Reply(200, {"access_token": "token"}) if request.path.endswith("/token") else self.reply


@pytest.fixture
def odd() -> Iterator[Odd]:
    with Odd() as server:
        yield server


def updates(lists: tuple[str, str]) -> list[MemberUpdate]:
    return [
        update(f"{number}@example.com", external_id, fields={"FNAME": "Ann"}, **how)
        for number, (external_id, how) in enumerate(
            itertools.product(lists, ({}, {"present": False, "reference": "7"}, {"erased": True, "reference": "8"}))
        )
    ]


@pytest.mark.parametrize("open_", [mailchimp, brevo, hubspot, salesforce])
def test_odd_answers_are_judged(odd: Odd, open_: Callable[[str], Adapter]) -> None:
    sent = updates(LISTS[open_.__name__])

    async def judge() -> None:
        adapter = open_(odd.url)
        for status, body in itertools.product(STATUSES, BODIES):
            odd.reply = Reply(status, b"" if status == 204 else body)
            try:
                outcomes = await adapter.send(sent)
            except Unavailable:
                continue
            assert len(outcomes) == len(sent)
            assert all(isinstance(outcome, Outcome) for outcome in outcomes)
        await adapter.close()

    asyncio.run(judge())
