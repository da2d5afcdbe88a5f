"""Send calls of the event specification with one of the SDKs for Python, unchanged and configured by its own options.

    python send.py segment|rudder < plan.json

The plan: `host` (a URL), `writeKey`, `options` (of the SDK's client), and `calls`, each an object of the specification,
such as `{"type": "identify", "userId": "u-1", "traits": {}}`. Prints `{"failed": [...]}`: the message ids that the SDK
has given up.
"""

import json
import re
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any


def client_class(sdk: str) -> Any:
    """Return the class of an SDK's client."""
    if sdk == "segment":
        from segment.analytics.client import Client
    else:
        from rudderstack.analytics.client import Client
    return Client


def arguments(call: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keyword arguments of a call: `anonymousId` is `anonymous_id`, and times are those of Python."""
    named = {re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name): value for name, value in call.items()}
    del named["type"]
    if "timestamp" in named:
        named["timestamp"] = datetime.fromisoformat(named["timestamp"])
    return named


def main() -> None:
    """Send the calls of the plan on standard input, and wait until the SDK has sent them or given up."""
    plan = json.load(sys.stdin)
    failed: list[str] = []

    def report(_: Exception, batch: list[dict[str, Any]]) -> None:
        failed.extend(item["messageId"] for item in batch)

    client = client_class(sys.argv[1])(plan["writeKey"], host=plan["host"], on_error=report, **plan["options"])
    for call in plan["calls"]:
        getattr(client, call["type"])(**arguments(call))
    client.shutdown()
    print(json.dumps({"failed": failed}))


if __name__ == "__main__":
    main()
