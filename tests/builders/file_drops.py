"""Destinations of type `files`, and a receiver that reads what they write, as a direct mail house would."""

import csv
import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars

from service.config.destinations_file import Context
from service.destinations.adapter import AudienceRef, MemberUpdate
from service.destinations.files.names import MANIFEST
from service.destinations.files.settings import FilesSettings

ENV = {"PASSWORD": "open-sesame", "KEY_ID": "kith-test-identity", "KEY": "kith-test-credential"}
WINBACK = AudienceRef("aud_1", "seg_1", "Win back", "winback", "marketing", "POSTAL_MAIL", fields=("first_name",))


def settings(folder: Path, **more: Any) -> FilesSettings:
    """Settings for a folder, or for another `url`, as `destinations.toml` in that folder has them."""
    values = {"name": "letters", "type": "files", "url": str(folder), **more}
    return FilesSettings.model_validate(values, context=Context(folder, {**ENV, "OTHER": "wrong-credential"}))


def update(value: str, audience: AudienceRef = WINBACK, present: bool = True, **more: Any) -> MemberUpdate:
    """An address of an audience: there, or gone."""
    return MemberUpdate(f"upd_{value}", audience, "email", value, present, **more)


class Clock:
    """A clock in microseconds that stands still."""

    def __init__(self, now: int = 1_780_000_000_000_000) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


class Receiver:
    """Reads the files of a folder that have a manifest, in the order of their names.

    Every file has to be as its manifest says.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def manifests(self) -> list[dict[str, Any]]:
        """The manifests, oldest first."""
        return [json.loads(path.read_bytes()) for path in sorted(self.folder.glob(f"*{MANIFEST}"))]

    def content(self, manifest: Mapping[str, Any]) -> bytes:
        """The content of a file, which is complete."""
        content = (self.folder / manifest["file"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (manifest["bytes"], manifest["sha256"])
        return content

    def rows(self, manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The rows of a file."""
        content = self.content(manifest)
        if manifest["file"].endswith(".csv"):
            reader = csv.DictReader(io.StringIO(content.decode(), newline=""))
            rows: list[dict[str, Any]] = [{name: text or None for name, text in row.items()} for row in reader]
            assert list(reader.fieldnames or ()) == manifest["columns"]
        else:
            frame = polars.read_parquet(io.BytesIO(content))
            rows = frame.to_dicts()
            assert frame.columns == manifest["columns"]
        assert len(rows) == manifest["rows"] == manifest["adds"] + manifest["removes"] + manifest["erases"]
        return rows

    def members(self) -> dict[str, dict[str, dict[str, Any]]]:
        """The rows of those who are in each audience, after all files."""
        audiences: dict[str, dict[str, dict[str, Any]]] = {}
        for manifest in self.manifests():
            members = audiences.setdefault(manifest["audience"], {})
            if manifest["kind"] == "snapshot":
                members.clear()
            for row in self.rows(manifest):
                members.pop(row["value"], None)
                if row["op"] == "add":
                    members[row["value"]] = row
        return audiences
