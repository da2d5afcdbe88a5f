"""Archives: everything that a store holds, in a file that every store can import.

JSON Lines, compressed with gzip. The first line says which format it is, each other line is a record with its kind,
and the last one has the number of records of each kind and the SHA-256 of all lines before it. So a file that was cut
off or damaged is recognized before anything is imported.
"""

import gzip
import hashlib
import os
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Raw, Struct

from graph.domain.model.errors import InvalidInput, StoreUnavailable
from graph.domain.model.stored_records import KIND_OF, KINDS, Record
from graph.stores.sqlite.backup import synchronize

FORMAT = "kith-archive"
VERSION = 2
"""The version of the format. A reader knows all versions up to its own: since 2 archives hold erasures, which a program
that does not know them would undo, and what destinations were sent, which it would leave there."""
MAGIC = b"\x1f\x8b"
"""The beginning of each gzip file."""
BATCH_SIZE = 1_000
_LEVEL = 4
"""A level of compression at which the disk and the processor take about as long."""
_END = "end"

Progress = Callable[[int], None]
"""Called with the number of records so far."""


class Header(Struct):
    """The first line. `created_at` is in microseconds, `program` the version of Kith that wrote the archive."""

    format: str
    version: int
    created_at: int
    program: str


class _Line(Struct):
    kind: str
    value: Raw


class _End(Struct):
    counts: dict[str, int]
    sha256: str


_DECODERS = {kind: msgspec.json.Decoder(type) for kind, type in KINDS.items()}
_LINE = msgspec.json.Decoder(_Line)


async def write(
    path: Path, batches: AsyncIterator[Sequence[Record]], created_at: int, program: str, on_progress: Progress
) -> int:
    """Write an archive and return its number of records.

    A file of this name is replaced once the archive is complete and on disk; otherwise nothing is left. Only its owner
    may read it. Raises `StoreUnavailable` if it cannot be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("xb") as file:
            partial.chmod(0o600)
            count = await _write(file, batches, Header(FORMAT, VERSION, created_at, program), on_progress)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        synchronize(path.parent)
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be written: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)
    return count


async def _write(
    file: IO[bytes], batches: AsyncIterator[Sequence[Record]], header: Header, on_progress: Progress
) -> int:
    encode = msgspec.json.Encoder().encode
    digest, counts = hashlib.sha256(), Counter[str]()
    with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=_LEVEL, filename="", mtime=0) as lines:

        def put(text: bytes) -> None:
            digest.update(text)
            lines.write(text)

        put(encode(header) + b"\n")
        async for batch in batches:
            text = bytearray()
            for record in batch:
                kind = KIND_OF[type(record)]
                counts[kind] += 1
                text += b'{"kind":"%b","value":%b}\n' % (kind.encode(), encode(record))
            put(bytes(text))
            on_progress(counts.total())
        lines.write(encode(_Line(_END, Raw(encode(_End(dict(counts), digest.hexdigest()))))) + b"\n")
    return counts.total()


def check(path: Path, on_progress: Progress = lambda count: None) -> Mapping[str, int]:
    """Read a whole archive and return its number of records by kind.

    Raises `InvalidInput` if it is not an archive, of a newer version, incomplete or damaged.
    """
    digest, counts, end = hashlib.sha256(), Counter[str](), None
    for line, record in _lines(path):
        if end is not None:
            raise _invalid(path, "something follows its last line")
        if isinstance(record, _End):
            end = record
            continue
        digest.update(line)
        if record is not None:
            counts[KIND_OF[type(record)]] += 1
            if counts.total() % BATCH_SIZE == 0:
                on_progress(counts.total())
    on_progress(counts.total())
    if end is None:
        raise _invalid(path, "its end is missing")
    if end != _End(dict(counts), digest.hexdigest()):
        raise _invalid(path, "its content does not match its digest")
    return counts


async def read(path: Path) -> AsyncIterator[Sequence[Record]]:
    """Yield the records of an archive that was checked, in batches."""
    batch: list[Record] = []
    for _, record in _lines(path):
        if record is None or isinstance(record, _End):
            continue
        batch.append(record)
        if len(batch) == BATCH_SIZE:
            yield batch
            batch = []
    if batch:
        yield batch


def _lines(path: Path) -> Iterator[tuple[bytes, Record | _End | None]]:
    """Yield each line of an archive with what it says; `None` for the first line."""
    number = 0
    try:
        with gzip.open(path) as lines:
            for number, line in enumerate(lines, 1):
                if number == 1:
                    _check_header(path, line)
                yield line, None if number == 1 else _decoded(line)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _invalid(path, f"it is cut off or damaged after line {number}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        # Messages about the content could contain its values.
        raise _invalid(path, f"line {number} is not a record") from error
    except OSError as error:
        raise InvalidInput("INVALID_FILE", f"{path} cannot be read: {error.strerror}") from error


def _decoded(line: bytes) -> Record | _End:
    decoded = _LINE.decode(line)
    if decoded.kind == _END:
        return msgspec.json.decode(decoded.value, type=_End)
    decoder = _DECODERS.get(decoded.kind)
    if decoder is None:
        raise msgspec.ValidationError("unknown kind")
    return decoder.decode(decoded.value)


def _check_header(path: Path, line: bytes) -> None:
    header = msgspec.json.decode(line, type=Header)
    if header.format != FORMAT:
        raise _invalid(path, "it is not an archive of Kith")
    if header.version > VERSION:
        raise _invalid(path, f"it has version {header.version} of the format; this program knows {VERSION}")


def _invalid(path: Path, reason: str) -> InvalidInput:
    return InvalidInput("INVALID_FILE", f"{path} is not a usable archive: {reason}")
