"""`/unsubscribe/TOKEN`: a person withdraws consent for an email address, by a button of the mailbox or on a page.

GET changes nothing: scanners of mailboxes follow the links of emails before people do.
"""

import html
import json
from collections.abc import Sequence

from cross_web import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response

from graph.commands.commit import Rejected
from graph.domain.access.roles import ROLES
from graph.domain.access.viewer import Viewer
from graph.domain.commands import SourceStatement
from graph.domain.model.errors import InvalidInput, StoreUnavailable, TemporaryFailure
from graph.domain.profile.consents import ConsentMethod, ConsentStatement, Decision, decision_of_address, decisions
from graph.domain.profile.insights import CONSENTS
from graph.domain.profile.interactions import Interaction, InteractionStatement
from graph.domain.profile.pages import ByKey, Selection
from graph.identity_graph import IdentityGraph
from graph.runtime.timeouts import SharedTimeout
from graph.viewer_graph import ViewerGraph
from service.http.error_format import internal_error
from service.http.request_body import Headers, read_body
from service.privacy.unsubscribe_links import UnsubscribeLinks, Unsubscription

SOURCE = "unsubscribe"
"""The source of these withdrawals."""
CHANNEL = "EMAIL"
TYPE = "unsubscribed"
MAX_BODY_BYTES = 10_000
_ONE_CLICK = b"One-Click"
_ERASED = "IDENTIFIER_SUPPRESSED"
"""The code of statements about erased people: nothing is stored of them, and so nobody writes to them."""
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
}
_TEXTS = {
    "en": {
        "title": "Unsubscribe",
        "ask": "Do you want to unsubscribe from these emails?",
        "ask_list": "Do you want to unsubscribe from “{list}”?",
        "button": "Unsubscribe",
        "done": "You are unsubscribed. You will get no more of these emails.",
        "invalid": "This link is not valid. It may be incomplete: open the whole link of the email.",
        "later": "This does not work at the moment. Please try again in a minute.",
    },
    "de": {
        "title": "Abmelden",
        "ask": "Möchten Sie diese E-Mails abbestellen?",
        "ask_list": "Möchten Sie „{list}“ abbestellen?",
        "button": "Abmelden",
        "done": "Sie sind abgemeldet und erhalten diese E-Mails nicht mehr.",
        "invalid": "Dieser Link ist ungültig. Vielleicht ist er unvollständig: Öffnen Sie den ganzen Link.",
        "later": "Das geht gerade nicht. Bitte versuchen Sie es in einer Minute noch einmal.",
    },
}


class UnsubscribeEndpoint:
    """Shows the page of a link, and withdraws consent when it is confirmed."""

    def __init__(self, graph: IdentityGraph, links: UnsubscribeLinks, body_seconds: float) -> None:
        self._graph, self._links = graph, links
        self._timeout = SharedTimeout(body_seconds)
        role = ROLES["ingest"]
        self._viewer = Viewer(SOURCE, role.name, role.scopes, role.reach, sources=frozenset((SOURCE,)))

    async def answer(self, request: Request) -> Response:
        """Answer a request."""
        texts = _TEXTS[_language(request.headers.get("accept-language", ""))]
        found = self._links.read(request.path_params["token"])
        if found is None:
            return _page(texts, texts["invalid"], status=404)
        if request.method in ("GET", "HEAD"):
            ask = texts["ask_list"].format(list=found.list) if found.list else texts["ask"]
            return _page(texts, ask, button=texts["button"])
        try:
            body = await read_body(request, Headers(request.scope), MAX_BODY_BYTES, self._timeout)
            await self._withdraw(found, one_click=_ONE_CLICK in body)
        except ClientDisconnect:
            return Response()
        except HTTPException as error:
            return _page(texts, texts["later"], status=error.status_code)
        except (TemporaryFailure, StoreUnavailable):
            return _page(texts, texts["later"], status=503, retry_after=60)
        except Exception as error:
            internal_error(error)
            return _page(texts, texts["later"], status=500)
        return _page(texts, texts["done"])

    async def _withdraw(self, found: Unsubscription, *, one_click: bool) -> None:
        """Record the withdrawal, unless it is in effect already: mailboxes send again what was not answered in time."""
        catalog = self._graph.catalog
        rules = catalog.consents_by_interaction_type.get(TYPE, ())
        by_default = tuple(purpose for rule in rules if rule.channel == CHANNEL for purpose in rule.purposes)
        purposes = tuple(purpose for purpose in found.purposes if purpose in catalog.purposes)
        if await self._is_withdrawn(found.address, purposes or by_default):
            return
        how = "one click (RFC 8058)" if one_click else "confirmed on the page"
        statements = self._statements(found, purposes, how)
        for result in await ViewerGraph(self._graph, self._viewer).record(statements):
            if isinstance(result, Rejected) and result.problem.code != _ERASED:
                raise InvalidInput(result.problem.code, result.problem.message)

    async def _is_withdrawn(self, address: str, purposes: Sequence[str]) -> bool:
        try:
            key = self._graph.rules.key("email", address)
        except InvalidInput:
            return True  # The rules drop this address, so no consent for it is stored.
        (view,) = await self._graph.customers([ByKey(key)], Selection.of([CONSENTS]))
        if view is None:
            return False
        newest_first = decisions(view.pages[CONSENTS].items)
        in_effect = [decision_of_address(newest_first, key, purpose, CHANNEL) for purpose in purposes]
        return bool(in_effect) and all(one is not None and one.decision is Decision.WITHDRAWN for one in in_effect)

    def _statements(self, found: Unsubscription, purposes: Sequence[str], how: str) -> list[SourceStatement]:
        """Without purposes of its own, a link states the interaction, and attributes.toml says what it withdraws."""
        identifiers, now = (("email", found.address),), self._graph.now()
        details = {"how": how} | ({"list": found.list} if found.list else {})
        if not purposes:
            interaction = Interaction(SOURCE, TYPE, now, channel=CHANNEL.lower(), properties=details)
            return [InteractionStatement(interaction, identifiers)]
        return [
            ConsentStatement(
                SOURCE,
                identifiers,
                purpose,
                Decision.WITHDRAWN,
                CHANNEL,
                decided_at=now,
                method=ConsentMethod.INTERACTION,
                evidence=json.dumps(details, ensure_ascii=False),
            )
            for purpose in purposes
        ]


def _language(accepted: str) -> str:
    """The first language of `Accept-Language` that there are texts in."""
    for entry in accepted.split(","):
        tag = entry.partition(";")[0].strip().lower()[:2]
        if tag in _TEXTS:
            return tag
    return "en"


def _page(
    texts: dict[str, str], message: str, *, status: int = 200, button: str = "", retry_after: int = 0
) -> Response:
    form = f'<form method="post"><button name="confirm" value="yes">{html.escape(button)}</button></form>'
    language = next(name for name, found in _TEXTS.items() if found is texts)
    page = (
        f'<!DOCTYPE html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(texts['title'])}</title>"
        "<style>body{font-family:system-ui,sans-serif;max-width:32rem;margin:4rem auto;padding:0 1rem}"
        "button{font-size:1rem;padding:.6rem 1.2rem}</style></head>"
        f"<body><main><h1>{html.escape(texts['title'])}</h1><p>{html.escape(message)}</p>{form if button else ''}"
        "</main></body></html>"
    )
    headers = _HEADERS | ({"Retry-After": str(retry_after)} if retry_after else {})
    return HTMLResponse(page, status, headers)
