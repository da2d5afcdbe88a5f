"""`kith consent`: the proof of consent of an identifier, and links by which people unsubscribe."""

import sys
from typing import Annotated

import typer
from rich.markup import escape

from graph.domain.access.audit import NO_AUDIT
from graph.domain.access.decision_log import LogState
from graph.domain.model.errors import InvalidInput
from graph.domain.model.times import iso
from graph.domain.profile.consents import check_purpose
from graph.queries.consent_proof import ConsentProof, ProvenDecision, ShownText
from graph.viewer_graph import ViewerGraph
from service.bootstrap import Wiring, open_audit
from service.cli.operator import Operator, Purpose, Reason
from service.cli.shared import Store, console, errors, run_with_wiring
from service.cli.startup import as_service
from service.config import attributes_file
from service.config import settings as settings_module
from service.privacy.unsubscribe_links import UnsubscribeLinks, Unsubscription

app = typer.Typer(no_args_is_help=True, help="Prove consents, make unsubscribe links.")
_COMPARED = {
    LogState.MATCHES: "as it arrived",
    LogState.CHANGED: "[red]CHANGED outside Kith[/red]",
    LogState.UNKNOWN: "[red]NOT IN THE LOG: added outside Kith[/red], or received by a service with another log",
    LogState.EARLIER: "older than the log",
    LogState.PARTLY_ERASED: "erased in part, so it cannot be compared",
}
_DIFFERENT = frozenset({LogState.CHANGED, LogState.UNKNOWN})


@app.callback()
def consent() -> None:
    """Prove consents, make unsubscribe links."""


@app.command()
def proof(
    identifier: Annotated[str, typer.Argument(help="An identifier as NAMESPACE=VALUE.")],
    on: Annotated[str, typer.Option(help="Only decisions on this purpose of consent, such as newsletter.")] = "",
    purpose: Purpose = "",
    reason: Reason = "",
    store: Store = None,
) -> None:
    """Print all consent decisions that were ever stored of an identifier, compared with the audit log.

    Exit status 1 if one was changed, added or removed outside Kith.
    """
    settings = settings_module.load(store=store)
    operator = Operator(settings, "consent proof", purpose, reason)
    audit = open_audit(as_service(settings))

    async def run(wiring: Wiring) -> ConsentProof:
        if on and (problem := check_purpose(on, wiring.graph.catalog.purposes)):
            raise InvalidInput(problem.code, f"--on: {problem.message}")
        graph = ViewerGraph(wiring.graph, operator.viewer)
        namespace, equals, value = identifier.partition("=")
        if not equals:
            raise InvalidInput("INVALID_VALUE", f"{identifier[:60]!r} is not an identifier; write NAMESPACE=VALUE")
        key = graph.rules.key(namespace, value)
        found = (await graph.consent_proofs([key], NO_AUDIT if audit is None else audit))[key]
        operator.record(graph.take_accessed())
        return found.on(on or None, None)

    found = run_with_wiring(settings, run, read_only=True)
    for decision in found.decisions:
        _print(decision)
    for entry in found.removed:
        line = f"[red]REMOVED[/red]: a decision received {iso(entry.received_at)} from {entry.caller or 'unknown'}"
        console.print(f"{line} is not stored anymore, entry {escape(entry.place)}", soft_wrap=True)
    for entry in found.erased:
        console.print(
            f"erased: a decision received {iso(entry.received_at)}, entry {escape(entry.place)}", soft_wrap=True
        )
    if not (found.decisions or found.removed or found.erased):
        errors.print("no decisions found")
    if not found.is_logged:
        errors.print("no audit log is kept, so nobody can tell whether a decision was changed: see KITH_AUDIT")
    differs = any(decision.check is not None and decision.check.state in _DIFFERENT for decision in found.decisions)
    if differs or found.removed:
        raise typer.Exit(1)


def _print(decision: ProvenDecision) -> None:
    receipt, stated, check = decision.receipt, decision.stated, decision.check
    channel = f" by {stated.channel}" if stated.channel else ""
    console.print(
        f"{iso(receipt.seen_at)}  {stated.decision.name} {stated.purpose}{channel}  ({receipt.status.name})",
        soft_wrap=True,
    )
    entry = None if check is None else check.entry
    fields = {
        "source": f"{receipt.source}, id {receipt.id}",
        "received": f"{iso(receipt.received_at)} from {receipt.received_from or 'unknown'}",
        "method": "" if stated.method is None else stated.method.name,
        "collected by": stated.collected_by,
        "requested": "" if stated.requested_at is None else iso(stated.requested_at),
        "confirmed": "" if stated.confirmed_at is None else iso(stated.confirmed_at),
        "evidence": stated.evidence,
        "TC string": stated.tc_string,
        "text": _text(stated.policy_version, stated.language, decision.text),
    }
    for name, value in fields.items():
        if value:
            console.print(f"    {name}: {escape(value)}", soft_wrap=True)
    if check is not None:
        place = "" if entry is None else f", entry {escape(entry.place)} of {iso(entry.time)}"
        console.print(f"    log: {_COMPARED[check.state]}{place}", soft_wrap=True)


def _text(version: str, language: str, text: ShownText | None) -> str:
    named = " ".join(filter(None, (version, language)))
    if text is None:
        return f"{named} (not recorded)" if named else ""
    recorded = "" if text.recorded_at is None else f", recorded {iso(text.recorded_at)}"
    content = "is not in the store anymore" if text.content is None else repr(text.content)
    return f"{named} SHA-256 {text.sha256}{recorded}: {content}".strip()


@app.command("unsubscribe-link")
def unsubscribe_link(
    addresses: Annotated[
        list[str] | None, typer.Argument(help="Email addresses; without any, standard input has one in each line.")
    ] = None,
    on: Annotated[
        list[str] | None,
        typer.Option(help="A purpose of consent that the link withdraws; by default those of `unsubscribed`."),
    ] = None,
    list_name: Annotated[str, typer.Option("--list", help="The name of the list, as the page shows it.")] = "",
) -> None:
    """Print for each email address a link by which its owner unsubscribes: the address, a tab, the link.

    An email offers the link in its headers List-Unsubscribe and List-Unsubscribe-Post.
    """
    settings = settings_module.load()
    for purpose in on or ():
        if problem := check_purpose(purpose, attributes_file.read(settings.attributes).purposes):
            raise InvalidInput(problem.code, f"--on: {problem.message}")
    links = UnsubscribeLinks(settings.secrets_of_unsubscribe_links, settings.unsubscribe_url)
    for line in addresses or sys.stdin:
        if address := line.strip():
            typer.echo(f"{address}\t{links.link(Unsubscription(address, tuple(on or ()), list_name))}")
