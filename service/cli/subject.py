"""`kith subject`: what a person is entitled to."""

import os
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from enum import Enum
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from msgspec.json import Encoder
from rich.markup import escape

from graph.domain.access.audit import NO_AUDIT, AuditReader
from graph.domain.model.errors import InvalidInput
from graph.domain.profile.pages import ById, ByKey
from graph.queries.subject_export import SubjectExport
from graph.viewer_graph import ViewerGraph
from service.bootstrap import Wiring, audit_folder, open_audit
from service.cli.operator import Operator, Purpose, Reason
from service.cli.shared import Rules, Store, errors, run_with_wiring
from service.cli.startup import as_service
from service.config import settings as settings_module
from service.config.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Hand a person's data over.")
_encode = Encoder().encode


class Format(Enum):
    """What is written."""

    JSON = "json"
    NDJSON = "ndjson"


def _audit_reader(settings: Settings) -> AuditReader:
    settings = as_service(settings)
    folder = audit_folder(settings)
    # Without a folder, nothing has been recorded yet, and reading makes none.
    audit = open_audit(settings) if folder is not None and folder.is_dir() else None
    return audit or NO_AUDIT


@app.command()
def export(
    person: Annotated[str, typer.Argument(help="An identifier as NAMESPACE=VALUE, or a customer id.")],
    format: Annotated[
        Format,
        typer.Option(help="`json` is the document for the person, `ndjson` are lines that `kith import` reads."),
    ] = Format.JSON,
    output: Annotated[
        Path | None, typer.Option(help="The file to write, which must not exist; without it, standard output.")
    ] = None,
    store: Store = None,
    rules: Rules = None,
    purpose: Purpose = "",
    reason: Reason = "",
) -> None:
    """Write everything that is stored about a person. Exit status 1 if there is no such customer.

    Identifiers of others are masked. With `ndjson` they are left out, and only statements that count are written.
    """
    settings = settings_module.load(store=store, rules=rules)
    operator = Operator(settings, "subject export", purpose, reason)
    audit = _audit_reader(settings)

    async def run(wiring: Wiring) -> bool:
        graph = ViewerGraph(wiring.graph, operator.viewer)
        namespace, equals, value = person.partition("=")
        ref = ByKey(graph.rules.key(namespace, value)) if equals else ById(person)
        found = await graph.export_subject(ref, audit)
        operator.record(graph.take_accessed(), "export")
        if found is None:
            errors.print(f"no customer found for {escape(person)}")
            return False
        with _opened(output) as file:
            pieces = _document(found) if format is Format.JSON else _lines(found)
            async with aclosing(pieces):
                async for piece in pieces:
                    file.write(piece)
        return True

    if not run_with_wiring(settings, run, read_only=True):
        raise typer.Exit(1)


@contextmanager
def _opened(path: Path | None) -> Iterator[BinaryIO]:
    """Open what is written to. A file that could not be completed is removed; nobody else may read it."""
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise InvalidInput("INVALID_FILE", f"{path} exists; name another file", ("output",)) from None
    except OSError as error:
        raise InvalidInput("INVALID_FILE", f"{path} cannot be written: {error.strerror}", ("output",)) from error
    try:
        with open(descriptor, "wb") as file:
            yield file
    except BaseException:
        path.unlink()
        raise


async def _document(export: SubjectExport) -> AsyncGenerator[bytes, None]:
    """Yield the document in pieces: a person may have more statements than fit into memory."""
    yield _encode(export.data)[:-1] + b',"statements":['
    is_first = True
    async with aclosing(export.statements()) as pages:
        async for page in pages:
            for found in page:
                yield (b"\n" if is_first else b",\n") + _encode(found.statement)
                is_first = False
    yield b'\n],"origins":' + _encode(export.origins) + b"}\n"


async def _lines(export: SubjectExport) -> AsyncGenerator[bytes, None]:
    """Yield the lines of statements, then those of the products that they name."""
    left_out = 0
    async with aclosing(export.statements()) as pages:
        async for page in pages:
            left_out += sum(found.line is None for found in page)
            for found in page:
                if found.line is not None:
                    yield _encode(found.line) + b"\n"
    for product in await export.products():
        yield _encode(product) + b"\n"
    if left_out:
        errors.print(f"{left_out} statements are left out, because they do not count or are about other people only")
