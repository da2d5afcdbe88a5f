"""Logins, queries and errors of Salesforce's REST API."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from pydantic import ValidationError

from service.config.destinations_file import Context
from service.destinations.adapter import Unavailable
from service.destinations.salesforce_api import MAX_QUERY_LENGTH, Refused, SalesforceApi, SalesforceSettings
from tests.builders.salesforce_server import CLIENT, LIMIT, SECRET, Salesforce
from tests.builders.vendor_servers import Reply

SELECT = "SELECT Id, Kith_Email__c FROM Contact WHERE"


@pytest.fixture
def salesforce() -> Iterator[Salesforce]:
    with Salesforce() as server:
        yield server


def settings(url: str, **more: Any) -> SalesforceSettings:
    values = {"name": "s", "type": "salesforce", "url": url, "client_id": CLIENT, "keys": {"email": "Kith_Email__c"}}
    secrets = {"SECRET": SECRET, "KEY": more.pop("pem", "no-key")}
    return SalesforceSettings.model_validate({**values, **more}, context=Context(Path(), secrets))


def ask(server: Salesforce, *calls: Callable[[SalesforceApi], Coroutine[Any, Any, Any]], **more: Any) -> list[Any]:
    async def asked() -> list[Any]:
        api = SalesforceApi(settings(server.url, **(more or {"client_secret": "env:SECRET"})))
        try:
            return [await call(api) for call in calls]
        finally:
            await api.close()

    return asyncio.run(asked())


async def find(api: SalesforceApi) -> list[dict[str, Any]]:
    return await api.query(SELECT, "Kith_Email__c", ["ann@example.com"], [])


def pem(private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def test_one_token_serves_until_salesforce_ends_it(salesforce: Salesforce) -> None:
    # given
    async def end(api: SalesforceApi) -> None:
        salesforce.end_session()

    # when
    ask(salesforce, find, find, end, find)
    # then
    assert [grant["grant_type"] for grant in salesforce.grants] == ["client_credentials"] * 2


def test_a_private_key_logs_in_as_a_user(salesforce: Salesforce) -> None:
    # given
    key = rsa.generate_private_key(65537, 2048)
    salesforce.public_key = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    login = {"private_key": "env:KEY", "username": "kith@shop.example", "pem": pem(key)}
    # when, then
    assert ask(salesforce, find, **login) == [[]]


def test_a_refused_login_says_so(salesforce: Salesforce) -> None:
    # given
    salesforce.logins_refused = True
    # when
    with pytest.raises(Unavailable) as caught:
        ask(salesforce, find)
    # then
    assert caught.value.login
    assert caught.value.message == "login: 400 Bad Request: authentication failure"


def test_a_new_token_that_salesforce_does_not_take_either_is_a_matter_of_the_login(salesforce: Salesforce) -> None:
    # given
    expired = Reply(401, [{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}])
    salesforce.fault = lambda request: None if "oauth2" in request.path else expired
    # when
    with pytest.raises(Unavailable) as caught:
        ask(salesforce, find)
    # then
    assert caught.value.login
    assert len(salesforce.grants) == 2


def test_a_limit_of_the_org_is_no_matter_of_the_login(salesforce: Salesforce) -> None:
    # given
    salesforce.fault = lambda request: None if "oauth2" in request.path else LIMIT
    # when
    with pytest.raises(Unavailable) as caught:
        ask(salesforce, find)
    # then
    assert not caught.value.login
    assert caught.value.message == "403 Forbidden: TotalRequests Limit exceeded."


def test_values_of_queries_are_literals_and_no_query_is_too_long(salesforce: Salesforce) -> None:
    # given
    values = [r"o'neil\@example.com", *[f"somebody.with.a.long.name.{n}@example.com" for n in range(400)]]
    ids = [salesforce.add(Kith_Email__c=value) for value in values]
    salesforce.page_size = 50

    async def find_all(api: SalesforceApi) -> list[dict[str, Any]]:
        return await api.query(SELECT, "Kith_Email__c", values, [])

    # when
    (found,) = ask(salesforce, find_all)
    # then
    assert [record["Id"] for record in found] == ids
    asked = [request.query["q"] for request in salesforce.received if "q" in request.query]
    assert max(map(len, asked)) < MAX_QUERY_LENGTH + 100


def test_a_refused_request_names_the_field_that_is_unknown(salesforce: Salesforce) -> None:
    # given
    async def write(api: SalesforceApi) -> list[dict[str, Any]]:
        record = {"attributes": {"type": "Contact"}, "id": "003", "Shoe_Size__c": 44}
        return await api.write("PATCH", "/composite/sobjects", [record], [])

    # when
    with pytest.raises(Refused) as caught:
        ask(salesforce, write)
    # then
    assert caught.value.unknown_fields == {"Shoe_Size__c"}
    assert caught.value.message.startswith("INVALID_FIELD 400 Bad Request: No such column")


def test_an_answer_without_a_result_for_each_record_is_no_answer(salesforce: Salesforce) -> None:
    # given
    salesforce.fault = lambda request: Reply(200, []) if request.method == "DELETE" else None

    async def delete(api: SalesforceApi) -> list[dict[str, Any]]:
        return await api.delete(["003"], [])

    # when, then
    with pytest.raises(Unavailable, match="0 results for 1 records"):
        ask(salesforce, delete)


@pytest.mark.parametrize(
    ("login", "message"),
    [
        ({}, "set either client_secret or private_key"),
        ({"client_secret": "env:SECRET", "private_key": "env:KEY"}, "set either client_secret or private_key"),
        ({"private_key": "env:KEY"}, "username is missing"),
        ({"private_key": "env:SECRET", "username": "u"}, "private_key is not an RSA key"),
        ({"private_key": "env:KEY", "username": "u"}, "private_key is not an RSA key"),
    ],
)
def test_a_login_is_complete(login: dict[str, str], message: str) -> None:
    key = pem(ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(ValidationError, match=message):
        settings("https://shop.my.salesforce.com", **login, pem=key)


@pytest.mark.parametrize("name", ["Email FROM User--", "", "1st", "a.b"])
def test_names_of_fields_are_names(name: str) -> None:
    with pytest.raises(ValidationError, match="keys"):
        settings("https://shop.my.salesforce.com", client_secret="env:SECRET", keys={"email": name})
