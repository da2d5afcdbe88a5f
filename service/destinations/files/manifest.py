"""The manifest of a file: what it holds, and how to see that it is complete."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from graph.domain.model.times import iso
from service.destinations.adapter import AudienceRef
from service.destinations.files.rows import Row

VERSION = 1
"""Of the format of files and manifests. Columns and keys may be added without another one."""


def manifest(
    name: str, kind: str, destination: str, audience: AudienceRef, time: int, content: bytes,
    columns: Sequence[str], rows: Sequence[Row],
) -> bytes:  # fmt: skip
    """Return the manifest of a file, as JSON. `time` is that of its name, in microseconds."""
    operations = Counter(row["op"] for row in rows)
    values: Mapping[str, Any] = {
        "version": VERSION,
        "file": name,
        "kind": kind,
        "created": iso(time),
        "destination": destination,
        "audience": audience.external_id or audience.id,
        "audience_id": audience.id,
        "segment_id": audience.segment_id,
        "segment_name": audience.segment_name,
        "purpose": audience.purpose,
        "channel": audience.channel,
        "rows": len(rows),
        "adds": operations["add"],
        "removes": operations["remove"],
        "erases": operations["erase"],
        "columns": columns,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return orjson.dumps(values, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
