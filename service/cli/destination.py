"""`kith destination`: the systems that audiences are sent to, and what they refused."""

import asyncio
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from msgspec.structs import replace
from rich.markup import escape

from graph.commands.audiences import AudienceControl, DestinationStatus
from graph.domain.access.accessed import Accessed
from graph.domain.access.scopes import CONTACT_READ
from graph.domain.model.audiences import Audience, DeliveryPosition, DeliveryStatus, DestinationHealth
from graph.domain.model.errors import InvalidInput
from graph.domain.model.times import iso
from graph.identity_graph import IdentityGraph
from graph.viewer_audiences import ShownDelivery
from graph.viewer_graph import ViewerGraph
from service.bootstrap import Wiring
from service.cli.operator import Operator, Purpose, Reason, user
from service.cli.shared import Store, console, errors, run_with_wiring
from service.config import settings as settings_module
from service.config.destinations_file import SETTING
from service.config.settings import Settings
from service.destinations.destinations import Destinations

PAGE_SIZE = 100

app = typer.Typer(no_args_is_help=True, help="The systems that audiences are sent to, and what they refused.")

Name = Annotated[str, typer.Argument(help="The name of the destination.")]
Json = Annotated[bool, typer.Option("--json", help="Print a JSON object for each on a line.")]


def _settings(store: str | None) -> Settings:
    """Return settings under which the rules of the store count."""
    return settings_module.load(store=store).model_copy(update={"rules": None})


@app.command("list")
def list_(as_json: Json = False, store: Store = None) -> None:
    """List destinations with how sending to them goes, and their audiences."""

    async def run(wiring: Wiring) -> None:
        control = wiring.graph.audiences
        audiences = await control.all()
        names = {segment.id: segment.name for segment in await wiring.graph.segments.all()}
        statuses = await control.statuses()
        for status in statuses:
            described = await _described(control, status)
            described["audiences"] = [
                await _described_audience(control, audience, names)
                for audience in audiences
                if audience.destination == status.info.name
            ]
            if as_json:
                typer.echo(orjson.dumps(described).decode())
            else:
                _print(described)
        if not statuses and not as_json:
            console.print(f"no destinations: {SETTING} names no file that has any")

    run_with_wiring(_settings(store), run, read_only=True)


async def _described(control: AudienceControl, status: DestinationStatus) -> dict[str, Any]:
    state = status.state
    return {
        "name": status.info.name,
        "type": status.info.type or None,
        "status": status.health.name,
        "problem": state.problem or None,
        "problemSince": _time(state.problem_since),
        "lastSentAt": _time(state.last_sent_at),
        "owed": status.count(DeliveryStatus.OWED),
        "pending": status.count(DeliveryStatus.PENDING),
        "dead": status.count(DeliveryStatus.DEAD),
        "removals": status.open_removals,
        "oldestOwedAt": _time(status.oldest_owed),
        "resyncing": status.resyncing,
        "changes": status.info.changes,
        "deadChanges": len(await control.dead_changes(status.info.name)) if status.info.changes else 0,
    }


async def _described_audience(control: AudienceControl, audience: Audience, names: dict[str, str]) -> dict[str, Any]:
    return {
        "id": audience.id,
        "segmentId": audience.segment,
        "segment": names.get(audience.segment),
        "purpose": audience.purpose,
        "channel": audience.channel,
        "namespaces": list(audience.namespaces),
        "externalId": audience.external_id or None,
        "fields": dict(audience.fields),
        "ttlDays": audience.ttl_days,
        "createdAt": iso(audience.created_at),
        "createdBy": audience.created_by,
        "status": (await control.progress(audience)).name,
        "sent": await control.count_sent(audience.id),
    }


def _time(at: int | None) -> str | None:
    return None if at is None else iso(at)


def _print(described: dict[str, Any]) -> None:
    numbers = ", ".join(f"{name}: {described[name]}" for name in ("owed", "pending", "dead", "removals"))
    line = f"{described['name']}  {described['type'] or '-'}  {described['status']}  {numbers}"
    if described["deadChanges"]:
        line += f", dead changes: {described['deadChanges']}"
    if described["resyncing"]:
        line += ", resyncing"
    if described["oldestOwedAt"]:
        line += f", oldest owed: {described['oldestOwedAt']}"
    console.print(escape(line), soft_wrap=True)
    if described["problem"]:
        console.print(escape(f"  since {described['problemSince']}: {described['problem']}"), soft_wrap=True)
    for audience in described["audiences"]:
        segment = audience["segment"] or f"deleted segment {audience['segmentId']}"
        line = f"  {audience['id']}  {segment}  {audience['purpose']}  {audience['channel']}"
        console.print(escape(f"{line}  {audience['status']}  sent: {audience['sent']}"), soft_wrap=True)


@app.command()
def check(
    file: Annotated[
        Path | None, typer.Argument(help=f"A file of destinations; without it, that of {SETTING}.", dir_okay=False)
    ] = None,
) -> None:
    """Read the file of destinations, and log in at those that can be asked without sending anything.

    Exit status 1 if one of them cannot be reached.
    """
    path = file or settings_module.load().destinations
    if path is None:
        raise InvalidInput("INVALID_SETTING", f"name a file, or set {SETTING}")
    found = asyncio.run(Destinations.read(path).check())
    for one in found:
        outcome = one.problem or ("reachable" if one.asked else "read; it is not known whether it can be reached")
        console.print(escape(f"{one.name}  {one.type}  {outcome}"), soft_wrap=True)
    if not found:
        console.print(f"{escape(str(path))} names no destinations")
    if any(one.problem for one in found):
        raise typer.Exit(1)


@app.command()
def add(
    name: Name,
    segment: Annotated[str, typer.Option(help="The name or the id of the segment.")],
    purpose: Annotated[str, typer.Option(help="The purpose that consent is required for, such as newsletter.")],
    channel: Annotated[str, typer.Option(help="The channel that the addresses are used for, such as EMAIL.")],
    namespace: Annotated[
        list[str] | None,
        typer.Option(help="A namespace whose identifiers are sent; without it, those of the channel. Repeatable."),
    ] = None,
    list_id: Annotated[str, typer.Option("--list", help="The id of the list at the destination.")] = "",
    field: Annotated[
        list[str] | None,
        typer.Option(help="NAME=ATTRIBUTE: what is sent beside each address, by its name there. Repeatable."),
    ] = None,
    days: Annotated[
        int | None, typer.Option(help="After how many days the destination shall forget an address.")
    ] = None,
    store: Store = None,
) -> None:
    """Send a segment to a destination from now on. If such an audience exists, nothing changes."""
    settings = _settings(store)
    operator = Operator(settings, "destination add", shows_values=False)

    async def run(wiring: Wiring) -> None:
        audience = Audience(
            "",
            name,
            await _segment(wiring.graph, segment),
            purpose,
            channel.strip().upper(),
            tuple(dict.fromkeys(namespace or ())),
            list_id,
            _fields(field or ()),
            days,
            created_by=user(),
        )
        created = await wiring.graph.audiences.create(audience)
        _record(operator, name)
        console.print(escape(f"{created.id}: {segment} goes to {created.destination}"), soft_wrap=True)

    run_with_wiring(settings, run)


async def _segment(graph: IdentityGraph, text: str) -> str:
    """Return the id of the segment with a name or an id; ids are unique, and so are names."""
    segments = await graph.segments.all()
    found = next((one for one in segments if text in (one.name, one.id)), None)
    if found is None:
        known = ", ".join(one.name for one in segments[:10]) or "there is none"
        raise InvalidInput("SEGMENT_NOT_FOUND", f"--segment: {text[:60]!r} is not a segment; segments: {known}")
    return found.id


def _fields(texts: Sequence[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for text in texts:
        name, equals, attribute = text.partition("=")
        if not equals or name in fields:
            problem = "is named twice" if equals else "is not NAME=ATTRIBUTE"
            raise InvalidInput("INVALID_VALUE", f"--field: {text[:60]!r} {problem}")
        fields[name] = attribute
    return fields


@app.command()
def end(
    id: Annotated[str, typer.Argument(help="The id of an audience; `kith destination list` shows them.")],
    store: Store = None,
) -> None:
    """End an audience: its addresses are removed from the destination by the running service, then it is gone."""
    settings = _settings(store)
    operator = Operator(settings, "destination end", shows_values=False)

    async def run(wiring: Wiring) -> None:
        ended = await wiring.graph.audiences.end(id)
        _record(operator, ended.destination)
        sent = await wiring.graph.audiences.count_sent(id)
        console.print(escape(f"{id} ends; addresses at {ended.destination}: {sent}"), soft_wrap=True)

    run_with_wiring(settings, run)


class _Decision(Enum):
    """What is decided about a destination."""

    PAUSE = "pause"
    RESUME = "resume"
    RESYNC = "resync"


@app.command()
def pause(name: Name, store: Store = None) -> None:
    """Send nothing to a destination until it is resumed. What is owed stays owed, removals too."""
    _decide(name, _Decision.PAUSE, store)


@app.command()
def resume(name: Name, store: Store = None) -> None:
    """Send to a destination again."""
    _decide(name, _Decision.RESUME, store)


@app.command()
def resync(name: Name, store: Store = None) -> None:
    """Send everything to a destination again, whatever it was sent before."""
    _decide(name, _Decision.RESYNC, store)


@app.command()
def forget(name: Name, store: Store = None) -> None:
    """Forget a destination that is no longer in the file, with its audiences and all addresses that it was sent.

    Nothing is removed from the destination itself: delete there what it holds, at first.
    """
    settings = _settings(store)
    operator = Operator(settings, "destination forget", shows_values=False)

    async def run(wiring: Wiring) -> None:
        held = await wiring.graph.audiences.forget(name)
        _record(operator, name)
        console.print(escape(f"{name}: forgotten; addresses that it may still hold: {held}"), soft_wrap=True)

    run_with_wiring(settings, run)


def _decide(name: str, decision: _Decision, store: str | None) -> None:
    settings = _settings(store)
    operator = Operator(settings, f"destination {decision.value}", shows_values=False)

    async def run(wiring: Wiring) -> None:
        control = wiring.graph.audiences
        match decision:
            case _Decision.PAUSE:
                await control.pause(name)
            case _Decision.RESUME:
                await control.resume(name)
            case _Decision.RESYNC:
                await control.resync(name)
        _record(operator, name)
        (status,) = [status for status in await control.statuses() if status.info.name == name]
        state = "everything is sent again" if decision is _Decision.RESYNC else status.health.name
        if decision is _Decision.RESYNC and status.health is DestinationHealth.PAUSED:
            state += " once it is resumed"
        console.print(escape(f"{name}: {state}"), soft_wrap=True)

    run_with_wiring(settings, run)


@app.command()
def dead(
    name: Name,
    audience: Annotated[str | None, typer.Option(help="Only what is part of this audience, by its id.")] = None,
    retry: Annotated[bool, typer.Option("--retry", help="Send it again, instead of listing it.")] = False,
    ignore: Annotated[
        bool,
        typer.Option("--ignore", help="Do nothing more about it; what should have been removed counts as removed."),
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="How much is listed.")] = 50,
    show: Annotated[bool, typer.Option("--show", help="Do not mask the addresses.")] = False,
    as_json: Json = False,
    store: Store = None,
    purpose: Purpose = "",
    reason: Reason = "",
) -> None:
    """List what a destination refused for good, send it again, or ignore it."""
    if retry and ignore:
        raise InvalidInput("INVALID_VALUE", "choose one of --retry and --ignore")
    settings = _settings(store)
    operator = Operator(settings, "destination dead", purpose, reason, shows_values=show)

    async def run(wiring: Wiring) -> None:
        if not (retry or ignore):
            viewer = operator.viewer
            if not show:
                viewer = replace(viewer, scopes=viewer.scopes - {CONTACT_READ})
            await _print_dead(ViewerGraph(wiring.graph, viewer), name, audience, limit, as_json, operator)
            return
        control = wiring.graph.audiences
        count = await (control.retry_dead(name, audience) if retry else control.ignore_dead(name, audience))
        _record(operator, name)
        console.print(f"{'sent again' if retry else 'ignored'}: {count}")

    run_with_wiring(settings, run, read_only=not (retry or ignore))


async def _print_dead(
    graph: ViewerGraph, name: str, audience: str | None, limit: int, as_json: bool, operator: Operator
) -> None:
    after: DeliveryPosition | None = None
    count = 0
    while count < limit:
        page = await graph.dead_deliveries(name, audience, after, min(limit - count, PAGE_SIZE))
        accessed = graph.take_accessed()
        if accessed.touches_people:
            operator.record(accessed)
        for shown in page.items:
            _print_one(shown, as_json)
        count += len(page.items)
        if not page.has_more:
            break
        last = page.items[-1].delivery
        after = DeliveryPosition(last.audience, last.key)
    if count == 0 and not as_json:
        errors.print(f"{escape(name)} refused nothing for good")


def _print_one(shown: ShownDelivery, as_json: bool) -> None:
    delivery = shown.delivery
    described = {
        "audienceId": delivery.audience,
        "identifier": str(shown.key),
        "isRemoval": delivery.is_removal,
        "answer": shown.answer,
        "attempts": delivery.attempts,
        "changedAt": iso(delivery.changed_at),
    }
    if as_json:
        typer.echo(orjson.dumps(described).decode())
        return
    kind = "removal" if delivery.is_removal else "addition"
    line = f"{described['changedAt']}  {delivery.audience}  {shown.key}  {kind}  {shown.answer}"
    console.print(escape(line), soft_wrap=True)


def _record(operator: Operator, name: str) -> None:
    """Record that something was decided about what a destination is sent."""
    operator.record(Accessed(recipients={name: None}), "write")
