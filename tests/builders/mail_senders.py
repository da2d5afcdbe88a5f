"""Email senders that report what became of emails, and their requests, signed by OpenSSL."""

import base64
import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.builders.connectors import SAMPLES, basic
from tests.builders.mapped_sources import SECRET

SENDERS = ("sendgrid", "brevo", "postmark", "mailgun", "resend")
"""Mappings, each with a sample in `tests/samples/mail`: a JSON array of events."""
WEBHOOK_SECRET = "whsec_" + base64.b64encode(b"a secret of webhooks").decode()


def bodies(sender: str) -> list[dict[str, object]]:
    """The events of a sender's sample."""
    return json.loads((SAMPLES / "mail" / f"{sender}.json").read_bytes())


def openssl(*arguments: str, input: bytes = b"") -> bytes:
    """What OpenSSL answers."""
    return subprocess.run(["openssl", *arguments], input=input, capture_output=True, check=True).stdout


def hmac_sha256(secret: bytes, text: bytes) -> bytes:
    """A signature by OpenSSL."""
    return openssl("dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{secret.hex()}", "-binary", input=text)


class Signer:
    """Signs the requests of a sender as it does, at the present time."""

    def __init__(self, sender: str, folder: Path) -> None:
        self.sender = sender
        self.secret = WEBHOOK_SECRET if sender == "resend" else SECRET
        self._key = folder / "sender.pem"
        if sender == "sendgrid":
            openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(self._key))
            public = openssl("ec", "-in", str(self._key), "-pubout", "-outform", "DER")
            self.secret = base64.b64encode(public).decode()

    def requests(self) -> Iterator[tuple[bytes, Mapping[str, str]]]:
        """The sample as requests: body and headers."""
        events = bodies(self.sender)
        if self.sender == "sendgrid":
            yield self.signed(events)
            return
        for number, event in enumerate(events):
            yield self.signed(event, f"msg_{number}")

    def signed(self, event: object, id: str = "", seconds: int = 0) -> tuple[bytes, Mapping[str, str]]:
        """The body and the headers of one request, signed at a time that is some seconds from now."""
        now = str(int(time.time()) + seconds)
        body = json.dumps(event).encode()
        match self.sender:
            case "sendgrid":
                signature = openssl("dgst", "-sha256", "-sign", str(self._key), input=now.encode() + body)
                prefix = "x_twilio_email_event_webhook"
                return body, {f"{prefix}_timestamp": now, f"{prefix}_signature": base64.b64encode(signature).decode()}
            case "mailgun":
                assert isinstance(event, dict)
                token = event["signature"]["token"]
                made = hmac_sha256(SECRET.encode(), f"{now}{token}".encode()).hex()
                proof = {"signature": {"timestamp": now, "token": token, "signature": made}}
                return json.dumps(event | proof).encode(), {}
            case "resend":
                key = base64.b64decode(WEBHOOK_SECRET.removeprefix("whsec_"))
                signature = hmac_sha256(key, f"{id}.{now}.".encode() + body)
                made = f"v1,{base64.b64encode(signature).decode()}"
                return body, {"svix_id": id, "svix_timestamp": now, "svix_signature": made}
            case "postmark":
                return body, {"authorization": f"Basic {basic(SECRET)}"}
            case _:
                return body, {"authorization": f"Bearer {SECRET}"}
