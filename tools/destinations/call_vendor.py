"""Call an API by the vendor's own client. Run in .venv-destinations.

In is a line of JSON, `{"vendor", "url", "secret", "calls"}`; a call is `{"name", …}` with what it needs. What the
client sends is seen by the server at the address.
"""

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

import hubspot
import mailchimp_marketing
import requests
from brevo import Brevo
from brevo.contacts.types import RemoveContactFromListRequestBodyEmails
from hubspot.crm import contacts
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce
from simple_salesforce.login import SalesforceLogin

Call = Mapping[str, Any]


def mailchimp(url: str, secret: str) -> Callable[[Call], object]:
    """The client `mailchimp-marketing`."""
    client = mailchimp_marketing.Client({"api_key": secret})
    client.api_client.host = url

    def call(made: Call) -> object:
        where = (made["list"], made["hash"])
        match made["name"]:
            case "set":
                return client.lists.set_list_member(*where, made["body"], skip_merge_validation="true")
            case "update":
                return client.lists.update_list_member(*where, made["body"])
            case "tags":
                return client.lists.update_list_member_tags(*where, made["body"])
            case "archive":
                return client.lists.delete_list_member(*where)
        return client.lists.delete_list_member_permanent(*where)

    return call


def brevo(url: str, secret: str) -> Callable[[Call], object]:
    """The client `brevo-python`."""
    client = Brevo(api_key=secret, base_url=url)

    def call(made: Call) -> object:
        match made["name"]:
            case "create":
                return client.contacts.create_contact(**made["contact"])
            case "update":
                return client.contacts.update_contact(made["identifier"], **made["changes"])
            case "remove":
                emails = RemoveContactFromListRequestBodyEmails(emails=made["emails"])
                return client.contacts.remove_contact_from_list(made["list"], request=emails)
        return client.contacts.delete_contact(made["identifier"], identifier_type=made["type"])

    return call


def hubspot_(url: str, secret: str) -> Callable[[Call], object]:
    """The client `hubspot-api-client`."""
    crm = hubspot.Client.create(access_token=secret).crm
    batches, basics, memberships = crm.contacts.batch_api, crm.contacts.basic_api, crm.lists.memberships_api
    for api in (batches, basics, memberships):
        api.api_client.configuration.host = url

    def call(made: Call) -> object:
        match made["name"]:
            case "upsert":
                return batches.upsert(
                    contacts.BatchInputSimplePublicObjectBatchInputUpsert(
                        inputs=[contacts.SimplePublicObjectBatchInputUpsert(**one) for one in made["inputs"]]
                    )
                )
            case "update":
                return batches.update(
                    contacts.BatchInputSimplePublicObjectBatchInput(
                        inputs=[contacts.SimplePublicObjectBatchInput(**one) for one in made["inputs"]]
                    )
                )
            case "read":
                ids = [contacts.SimplePublicObjectId(id=id) for id in made["ids"]]
                return batches.read(
                    contacts.BatchReadInputSimplePublicObjectId(
                        inputs=ids, properties=made["properties"], id_property=made["by"], properties_with_history=None
                    )
                )
            case "add" | "remove":
                return getattr(memberships, made["name"])(made["list"], made["ids"])
        return basics.purge(contacts.PublicGdprDeleteInput(**made["contact"]))

    return call


class _Local(HTTPAdapter):
    """Sends what is for Salesforce to another address."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: requests.PreparedRequest, *arguments: Any, **more: Any) -> requests.Response:
        request.url = self._url + request.path_url
        return super().send(request, *arguments, **more)


def salesforce(url: str, secret: str) -> Callable[[Call], object]:
    """The client `simple-salesforce`, which has logins and queries, and no collections."""
    session = requests.Session()
    session.mount("https://", _Local(url))

    def call(made: Call) -> object:
        token, instance = SalesforceLogin(session=session, **made["login"], **{made["secret"]: secret})
        client = Salesforce(session_id=token, instance=instance, session=session, version="62.0")
        return client.query(made["query"])

    return call


CLIENTS = {"mailchimp": mailchimp, "brevo": brevo, "hubspot": hubspot_, "salesforce": salesforce}

if __name__ == "__main__":
    for line in sys.stdin:
        task = json.loads(line)
        client = CLIENTS[task["vendor"]](task["url"], task["secret"])
        for made in task["calls"]:
            client(made)
        print(json.dumps(len(task["calls"])))
