"""Send members with the vendors' own clients. Run in .venv-destinations.

In are lines of JSON, `{"vendor", "url", "remove"}` with what the client needs beside; the clients normalize and hash.
"""

import json
import sys
from typing import Any

from facebook_business.adobjects.customaudience import CustomAudience
from facebook_business.api import FacebookAdsApi
from facebook_business.session import FacebookSession
from google.ads import datamanager_v1 as google
from google.ads.datamanager_util import Formatter
from google.ads.datamanager_v1.services.ingestion_service.transports import IngestionServiceRestTransport
from google.oauth2 import service_account
from ttd_data import DataClient


def send_to_google(url: str, remove: bool, key_file: str, account: str, audience: str, emails: list[str]) -> str:
    """Return the id of the request."""
    scopes = ["https://www.googleapis.com/auth/datamanager"]
    credentials = service_account.Credentials.from_service_account_file(key_file, scopes=scopes)
    host = url.removeprefix("http://")
    transport = IngestionServiceRestTransport(host=host, url_scheme="http", credentials=credentials)
    client = google.IngestionServiceClient(transport=transport)
    hashes = [
        Formatter().hex_encode(Formatter().hash_string(Formatter().format_email_address(mail))) for mail in emails
    ]
    what: dict[str, Any] = {
        "destinations": [
            {
                "operating_account": {"account_type": "GOOGLE_ADS", "account_id": account},
                "product_destination_id": audience,
            }
        ],
        "audience_members": [{"user_data": {"user_identifiers": [{"email_address": hashed}]}} for hashed in hashes],
        "encoding": "HEX",
    }
    if remove:
        return client.remove_audience_members(google.RemoveAudienceMembersRequest(what)).request_id
    what["consent"] = {"ad_user_data": "CONSENT_GRANTED", "ad_personalization": "CONSENT_GRANTED"}
    what["terms_of_service"] = {"customer_match_terms_of_service_status": "ACCEPTED"}
    return client.ingest_audience_members(google.IngestAudienceMembersRequest(what)).request_id


def send_to_meta(url: str, remove: bool, token: str, audience: str, schema: list[str], rows: list[list[str]]) -> Any:
    """Return the answer."""
    FacebookSession.GRAPH = url
    api = FacebookAdsApi(FacebookSession(access_token=token), api_version="v25.0")
    members = CustomAudience(audience, api=api)
    return (members.remove_users if remove else members.add_users)(schema, rows, is_raw=True).json()


def send_to_trade_desk(url: str, remove: bool, token: str, advertiser: str, segment: str, ids: list[str]) -> Any:
    """Return the answer."""
    client = DataClient(ttd_auth=token).data_client
    if remove:
        deleted = client.deletion_opt_out.data_subject_request_advertiser_data(
            server_url=url, advertiser_id=advertiser, request_type="Deletion", items=[{"daid": id} for id in ids]
        )
        return str(deleted)
    items = [{"daid": id, "data": [{"name": segment, "ttl_in_minutes": 1440}]} for id in ids]
    return str(client.advertiser.ingest_advertiser_data(server_url=url, advertiser_id=advertiser, items=items))


CLIENTS = {"google": send_to_google, "meta": send_to_meta, "trade-desk": send_to_trade_desk}

if __name__ == "__main__":
    for line in sys.stdin:
        what = json.loads(line)
        print(json.dumps(CLIENTS[what.pop("vendor")](**what)))
