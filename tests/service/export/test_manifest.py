"""Manifests: what another program would write is refused."""

from pathlib import Path

import msgspec
import pytest

from graph.domain.model.errors import InvalidInput
from graph.domain.tables.columns import ORDERS
from service.export.folders import open_folder
from service.export.manifest import MANIFEST, Manifest, ManifestTable, columns_of, read, write

PLAIN = Manifest("store", "cursor", None, "csv", "privacy", "", "2026-01-01T00:00:00Z", "kith 0")
TABLE = ManifestTable(
    "orders", "orders.csv", 1, 0, 9, "ab", 3, "2026-01-01T00:00:00Z", columns_of(ORDERS), (), "_states/o"
)


def test_a_manifest_is_read_back(tmp_path: Path) -> None:
    # given
    folder = open_folder(str(tmp_path))
    assert read(folder, MANIFEST) is None
    made = msgspec.structs.replace(PLAIN, tables=(TABLE,), withheld_tables={"links": "graph:read"})
    # when
    write(folder, MANIFEST, made)
    # then
    assert read(folder, MANIFEST) == made
    assert (made.table("orders"), made.table("links")) == (TABLE, None)
    assert made.options() == msgspec.structs.replace(made, cursor="another").options()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not of an export"),
        ("{}", "is not of an export: Object missing required field `store`"),
        (b"\xff", "is not of an export"),
        (msgspec.json.encode(msgspec.structs.replace(PLAIN, version=2)), "is kith-export 2; kith-export 1 is expected"),
        (msgspec.json.encode(msgspec.structs.replace(PLAIN, format="other")), "is other 1"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, text: str | bytes, message: str) -> None:
    (tmp_path / MANIFEST).write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(InvalidInput, match=message):
        read(open_folder(str(tmp_path)), MANIFEST)
