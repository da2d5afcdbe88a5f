"""Read the bodies of requests with the vendors' own libraries. Run in .venv-destinations.

In are lines of JSON, `{"kind", "body"}`; out is a line for each: the body as the library writes it again. A field that
a library does not know is an error.
"""

import json
import sys
from typing import Any

from facebook_business.adobjects.customaudience import CustomAudience
from google.ads import datamanager_v1 as google
from google.protobuf import json_format
from ttd_data import models as trade_desk

GOOGLE = {
    "ingest": google.IngestAudienceMembersRequest,
    "remove": google.RemoveAudienceMembersRequest,
    "status": google.RetrieveRequestStatusResponse,
}
TRADE_DESK = {"segments": trade_desk.AdvertiserDataRequest, "deletion": trade_desk.AdvertiserDsrRequest}


def read(kind: str, body: dict[str, Any]) -> Any:
    """The body as the library of the vendor writes it."""
    if message := GOOGLE.get(kind):
        read = json_format.ParseDict(body, message.pb(message()))
        return json_format.MessageToDict(read)
    if model := TRADE_DESK.get(kind):
        return json.loads(model.model_validate(body).model_dump_json(by_alias=True))
    # Meta's library writes payloads and does not read them. It hashes what is not hashed yet.
    made = CustomAudience.format_params(body["schema"], body["data"], is_raw=True, pre_hashed=True)
    return made["payload"]


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(read(**json.loads(line))))
