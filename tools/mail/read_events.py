"""Read events of email senders with django-anymail, which knows their formats. Run in .venv-mail.

In and out are lines of JSON: `{"sender", "body", "headers"}`, and the list of `{"type", "email", "at", "id"}` of it.
"""

import json
import sys
import warnings
from importlib import import_module

import django
from django.conf import settings
from django.test import RequestFactory

settings.configure(ANYMAIL={"MAILGUN_API_KEY": "unused"}, ALLOWED_HOSTS=["*"])
django.setup()
# Mailgun looks for its key first; signatures are checked elsewhere.
SENDERS = {"sendgrid": "SendGrid", "brevo": "Brevo", "postmark": "Postmark", "mailgun": "Mailgun", "resend": "Resend"}


def events(sender: str, body: str, headers: dict[str, str]) -> list[dict[str, object]]:
    """Return the events of a request."""
    view = getattr(import_module(f"anymail.webhooks.{sender}"), f"{SENDERS[sender]}TrackingWebhookView")()
    request = RequestFactory().post("/", data=body, content_type="application/json", headers=headers)
    return [
        {
            "type": event.event_type,
            "email": event.recipient,
            "at": event.timestamp.isoformat() if event.timestamp else None,
            "id": event.event_id,
        }
        for event in view.parse_events(request)
    ]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        print(json.dumps(events(**json.loads(line))))
