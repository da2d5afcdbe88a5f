"""Adapters send what the vendors' own clients send: the same calls, side by side, to the same server."""

from collections.abc import Callable
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from pydantic import SecretStr

from service.destinations.brevo import BrevoAdapter, BrevoSettings
from service.destinations.hubspot import HubspotAdapter, HubspotSettings
from service.destinations.mailchimp import MailchimpAdapter, MailchimpSettings
from service.destinations.salesforce import SalesforceAdapter
from service.destinations.salesforce_api import SalesforceSettings
from tests.builders import brevo_server, hubspot_server, mailchimp_server, salesforce_server
from tests.builders.brevo_server import Brevo
from tests.builders.hubspot_server import Hubspot
from tests.builders.mailchimp_server import LIST, Mailchimp, hashed
from tests.builders.member_updates import send, statuses, update
from tests.builders.salesforce_server import CAMPAIGN, CLIENT, Salesforce
from tests.builders.vendor_clients import Request, call, call_jsforce, requests
from tests.builders.vendor_servers import VendorServer

ANN, BOB, PHONE = "ann+1@example.com", "bob@example.com", "+4930901820"


def sent(server: VendorServer, run: Callable[[], Any]) -> list[Request]:
    before = len(server.received)
    run()
    return requests(server.received[before:])


def test_mailchimp() -> None:
    with Mailchimp() as server:
        # given
        secret = SecretStr(mailchimp_server.KEY)
        settings = MailchimpSettings.model_construct(name="m", type="mailchimp", api_key=secret, url=server.url)
        updates = [
            update(ANN, f"{LIST}/VIP", fields={"FNAME": "Ann"}),
            update(ANN, f"{LIST}/VIP", present=False),
            update(ANN, LIST, present=False),
            update(ANN, LIST),
            update(ANN, LIST, erased=True),
        ]
        ours = [
            request
            for one in updates
            for request in sent(server, lambda one=one: send(MailchimpAdapter(settings), one))
        ]
        # when
        server.lists[LIST].clear()
        server.forgotten.clear()
        at = {"list": LIST, "hash": hashed(ANN)}
        new = {"email_address": ANN, "status_if_new": "subscribed"}
        calls: list[dict[str, Any]] = [
            {"name": "set", **at, "body": {**new, "merge_fields": {"FNAME": "Ann"}}},
            {"name": "tags", **at, "body": {"tags": [{"name": "VIP", "status": "active"}]}},
            {"name": "tags", **at, "body": {"tags": [{"name": "VIP", "status": "inactive"}]}},
            {"name": "archive", **at},
            {"name": "set", **at, "body": new},
            {"name": "update", **at, "body": {"status": "subscribed"}},
            {"name": "delete", **at},
        ]
        # then
        assert call("mailchimp", server, mailchimp_server.KEY, calls) == ours


def test_brevo() -> None:
    with Brevo(2) as server:
        # given
        secret = SecretStr(brevo_server.KEY)
        settings = BrevoSettings.model_construct(name="b", type="brevo", api_key=secret, url=server.url)
        updates = [
            update(ANN, "2", fields={"FIRSTNAME": "Ann", "VIP": True}),
            update(PHONE, "2", namespace="phone"),
            update(ANN, "2", present=False),
            update(PHONE, "2", namespace="phone", present=False),
            update(ANN, "2", erased=True),
            update(PHONE, "2", namespace="phone", erased=True),
        ]
        ours = [
            request for one in updates for request in sent(server, lambda one=one: send(BrevoAdapter(settings), one))
        ]
        # when
        more = {"list_ids": [2], "update_enabled": True}
        calls: list[dict[str, Any]] = [
            {"name": "create", "contact": {"email": ANN, "attributes": {"FIRSTNAME": "Ann", "VIP": True}, **more}},
            {"name": "create", "contact": {"attributes": {"SMS": PHONE}, **more}},
            {"name": "remove", "list": 2, "emails": [ANN]},
            {"name": "update", "identifier": PHONE, "changes": {"identifier_type": "phone_id", "unlink_list_ids": [2]}},
            {"name": "delete", "identifier": ANN, "type": "email_id"},
            {"name": "delete", "identifier": PHONE, "type": "phone_id"},
        ]
        # then
        assert call("brevo", server, brevo_server.KEY, calls) == ours


def test_hubspot() -> None:
    with Hubspot("11") as server:
        # given
        values = {"name": "h", "type": "hubspot", "access_token": SecretStr(hubspot_server.TOKEN), "url": server.url}
        settings = HubspotSettings.model_construct(**values, api_version="v3")
        steps = [
            [update(ANN, "11", fields={"firstname": "Ann"}), update(BOB, "kith_vip")],
            [update(ANN, "11", present=False), update(BOB, "kith_vip", present=False)],
            [update(ANN, erased=True)],
        ]
        ours = [
            request
            for step in steps
            for request in sent(server, lambda step=step: send(HubspotAdapter(settings), *step))
        ]
        # when
        server.contacts = {"501": {"email": ANN}, "502": {"email": BOB}}
        by = {"id_property": "email"}
        calls: list[dict[str, Any]] = [
            {
                "name": "upsert",
                "inputs": [
                    {**by, "id": ANN, "properties": {"firstname": "Ann"}, "object_write_trace_id": "0"},
                    {**by, "id": BOB, "properties": {"kith_vip": "true"}, "object_write_trace_id": "1"},
                ],
            },
            {"name": "add", "list": "11", "ids": ["501"]},
            {"name": "read", "ids": [ANN, BOB], "by": "email", "properties": ["email"]},
            {
                "name": "update",
                "inputs": [{"id": "502", "properties": {"kith_vip": "false"}, "object_write_trace_id": "0"}],
            },
            {"name": "remove", "list": "11", "ids": ["501"]},
            {"name": "delete", "contact": {"object_id": ANN, "id_property": "email"}},
        ]
        # then
        assert call("hubspot", server, hubspot_server.TOKEN, calls) == ours


def test_salesforce_collections() -> None:
    with Salesforce() as server:
        # given
        login = {"client_id": CLIENT, "client_secret": SecretStr(salesforce_server.SECRET), "url": server.url}
        values = {"name": "s", "type": "salesforce", "keys": {"email": "Kith_Email__c"}, **login}
        settings = SalesforceSettings.model_construct(**values)
        steps = [
            [update(ANN, CAMPAIGN, fields={"LastName": "Lee"}), update(BOB, "Kith_VIP__c")],
            [update(BOB, "Kith_VIP__c", present=False)],
            [update(ANN, erased=True)],
        ]
        ours = [
            request
            for step in steps
            for request in sent(server, lambda step=step: send(SalesforceAdapter(settings), *step))
        ]
        ours = [request for request in ours if "/composite/" in request[1] or "/Soap/" in request[1]]
        # when
        ann, bob = "003xx0000000001AAA", "003xx0000000002AAA"
        contact = {"object": "Contact", "key": "Kith_Email__c"}
        server.records = {
            ann: {"type": "Contact", "Kith_Email__c": ANN},
            bob: {"type": "Contact", "Kith_Email__c": BOB},
        }
        calls: list[dict[str, Any]] = [
            {
                **contact,
                "name": "upsert",
                "records": [{"Kith_Email__c": ANN, "LastName": "Lee"}, {"Kith_Email__c": BOB, "Kith_VIP__c": True}],
            },
            {
                "name": "create",
                "object": "CampaignMember",
                "records": [{"CampaignId": CAMPAIGN, "ContactId": ann}],
            },
            {**contact, "name": "update", "records": [{"Id": bob, "Kith_VIP__c": False}]},
            {**contact, "name": "delete", "records": [ann]},
            {"name": "empty recycle bin", "records": [ann]},
        ]
        theirs = call_jsforce(server, server.token, calls)
        # then: `allOrNone` is false by default, which jsforce leaves out of a deletion
        assert [_without_default(request) for request in ours] == theirs


def _without_default(request: Request) -> Request:
    method, path, query, body = request
    return method, path, tuple(pair for pair in query if pair != ("allOrNone", "false")), body


def test_salesforce_logins_and_queries() -> None:
    with Salesforce() as server:
        # given
        key = rsa.generate_private_key(65537, 2048)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        server.public_key = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        values: dict[str, Any] = {"name": "s", "type": "salesforce", "keys": {"email": "Kith_Email__c"}}
        by_key = {"client_id": CLIENT, "private_key": SecretStr(pem), "username": "kith@shop.example"}
        settings = SalesforceSettings.model_construct(**values, **by_key, url=server.url)
        ours = sent(
            server, lambda: statuses(send(SalesforceAdapter(settings), update("o'neil@example.com", erased=True)))
        )
        # when
        query = ours[1][2][0][1]
        login = {"username": "kith@shop.example", "consumer_key": CLIENT}
        calls = [{"login": login, "secret": "privatekey", "query": query}]
        theirs = call("salesforce", server, pem, calls)
        # then
        assert [_without_times(request) for request in theirs] == [_without_times(request) for request in ours]


def _without_times(request: Request) -> Request:
    method, path, query, body = request
    if not body:
        return request
    claims = jwt.decode(body["assertion"], options={"verify_signature": False})
    return method, path, query, {"grant_type": body["grant_type"], **claims, "exp": None}
