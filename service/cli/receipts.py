"""`kith receipt`: verify signed receipts of erasures."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from graph.domain.model.errors import InvalidInput
from service.bootstrap import erasure_key_file
from service.cli.shared import Store, console
from service.config import settings as settings_module
from service.privacy.keys import SETTING
from service.privacy.public_keys import PublicKeys
from service.privacy.receipts import Kept, Receipt, Unverified
from service.privacy.receipts import verify as verify_receipt

app = typer.Typer(no_args_is_help=True, help="Verify receipts of erasures.")


@app.callback()
def options() -> None:
    """Verify receipts of erasures."""


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="A file with a receipt.", exists=True, dir_okay=False)],
    keys: Annotated[
        Path | None,
        typer.Option(help="A file with the answer of /.well-known/kith-keys; without it, KITH_ERASURE_KEYS."),
    ] = None,
    store: Store = None,
) -> None:
    """Verify a receipt offline. Exit status 1, with the reason, if the service did not sign it as it is."""
    public = _stored_keys(store) if keys is None else _parsed(keys)
    try:
        verified = verify_receipt(_read(file), public)
    except Unverified as error:
        console.print(f"[red]not valid[/red]: {escape(str(error))}", soft_wrap=True)
        raise typer.Exit(1) from None
    console.print(f"valid: signed with the key {escape(verified.key_id)}", soft_wrap=True)
    for line in _lines(verified.receipt):
        console.print(escape(line), soft_wrap=True)


def _stored_keys(store: str | None) -> PublicKeys:
    file = erasure_key_file(settings_module.load(store=store))
    found = file.keys()
    if found is None:
        message = f"{SETTING}: {file.path} does not exist: pass --keys FILE with what /.well-known/kith-keys answered"
        raise InvalidInput("INVALID_SETTING", message)
    return found.public


def _parsed(path: Path) -> PublicKeys:
    try:
        return PublicKeys.parse(_read(path))
    except InvalidInput as error:
        raise InvalidInput(error.code, f"--keys: {path}: {error.message}") from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput("INVALID_FILE", f"{path} cannot be read: {(error.strerror or '').lower()}") from None


def _lines(receipt: Receipt) -> list[str]:
    """Return what a receipt says, a fact a line."""
    places = sorted((place.replace("_", " "), count) for place, count in receipt.counts.items())
    counts = ", ".join(f"{count} {place}" for place, count in places) or "nothing"
    return [
        f"erasure {receipt.erasure_id} ({receipt.mode}) of {receipt.erased_at}, request {receipt.request_id}",
        f"by {receipt.actor}, plan {receipt.plan_hash}",
        f"customers: {', '.join(receipt.customers) or 'none'}",
        f"erased: {counts}",
        f"not to be stored again: {len(receipt.tombstones)} identifiers",
        *map(_kept, receipt.kept),
        *(f"acknowledged by {one.service} at {one.at}" for one in receipt.acknowledgements),
    ]


def _kept(kept: Kept) -> str:
    namespace = f" of {kept.namespace}" if kept.namespace else ""
    end = f", until {kept.until}" if kept.until else ""
    return f"kept: {kept.count} {kept.what}{namespace}, because of {kept.ground}{end}"
