"""What receivers make of messages, by the published libraries for Node and Python."""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from tests.builders.sdks import require
from tests.builders.services import ROOT

TOOLS = ROOT / "tools" / "destinations"


def read_in_node(messages: Sequence[Mapping[str, Any]]) -> list[Any]:
    """What the libraries for Node make of messages: see tools/destinations/read_messages.mjs."""
    require(shutil.which("node") and (TOOLS / "node_modules").exists(), "Node or tools/destinations/node_modules")
    command = ["node", str(TOOLS / "read_messages.mjs")]
    result = subprocess.run(command, input=json.dumps(messages), capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return list(json.loads(result.stdout))


def is_signed(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether the library for Python finds the signature of a webhook valid."""
    try:
        Webhook(secret).verify(body, dict(headers))
    except WebhookVerificationError:
        return False
    return True
