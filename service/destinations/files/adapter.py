"""Sends audiences as files: for each audience of a batch one file of rows, and then its manifest.

A file of kind `delta` has the state of the addresses that it names; one of kind `snapshot` has all who are in the
audience, and replaces what came before. Whatever interrupts the process, there is no manifest of half a file: what was
not acknowledged is written again, to another file.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from graph.domain.model.dates import DAY
from service.destinations.adapter import DONE, AudienceRef, MemberUpdate, Outcome, Status, Unavailable
from service.destinations.files.folders import Folder, FolderError, LocalFolder
from service.destinations.files.manifest import manifest
from service.destinations.files.names import MANIFEST, FileNames
from service.destinations.files.rows import ColumnConflict, columns_of, csv, parquet, row_of
from service.destinations.files.settings import FilesSettings
from service.destinations.files.threads import OneThread, StillRunning

log = logging.getLogger("kith.destinations")
DELTA = "delta"
SNAPSHOT = "snapshot"
CLEANING_INTERVAL = DAY // 24
"""Time between two looks for files that are too old (microseconds)."""


class FilesAdapter:
    """Writes files in a thread of its own. `now` is the time in microseconds since 1970."""

    namespaces: frozenset[str] | None = None

    def __init__(
        self,
        settings: FilesSettings,
        now: Callable[[], int] = lambda: time.time_ns() // 1_000,
        folder: Folder | None = None,
    ) -> None:
        """Make no connection yet. Without a `folder` it is the one that the settings name.

        Raises `InvalidInput`, and `ImportError` without the extra `files`.
        """
        self.batch_size, self.snapshot_hours = settings.batch_size, settings.snapshot_hours
        self._settings, self._now = settings, now
        self._names = FileNames(settings.name, settings.format)
        self._folder = folder or _open(settings)
        self._thread = OneThread(f"kith-files-{settings.name}")
        self._clean_at = 0
        self._followed = self._settings.write_only
        """Whether names follow those of the files in the folder."""

    async def send(self, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        """Write a file for each audience."""
        audiences: dict[AudienceRef, list[int]] = {}
        for number, update in enumerate(updates):
            audiences.setdefault(update.audience, []).append(number)
        return await self._send(DELTA, audiences, updates)

    async def send_snapshot(self, audience: AudienceRef, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        """Write a file with all who are in an audience, which may be nobody."""
        return await self._send(SNAPSHOT, {audience: list(range(len(updates)))}, updates)

    async def poll(self, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        """Nothing is ever pending: a file is written or not."""
        return [DONE] * len(updates)

    async def check(self) -> None:
        """Connect, and look whether the folder is there. Raises `Unavailable`."""
        await self._run(lambda _: self._folder.check())

    async def maintain(self) -> None:
        """Delete files that are older than `keep_days`, once an hour."""
        if self._clean_at - CLEANING_INTERVAL <= self._now() < self._clean_at:
            return
        try:
            await self._run(lambda _: self._clean())
        except Unavailable as error:
            # It does not keep anything from being sent; it is tried again in an hour.
            log.warning("destination %s: old files are not deleted: %s", self._settings.name, error.message)

    async def close(self) -> None:
        """Close the connection, unless a write that was given up still hangs in it."""
        try:
            await self._run(lambda _: self._folder.close())
        except Unavailable:
            log.warning("destination %s: the connection is not closed: a write still hangs", self._settings.name)

    async def _send(
        self, kind: str, audiences: Mapping[AudienceRef, list[int]], updates: Sequence[MemberUpdate]
    ) -> list[Outcome]:
        outcomes: list[Outcome] = [DONE] * len(updates)

        def work(given_up: threading.Event) -> None:
            if not self._followed:
                self._clean()
            waiting = list(audiences.items())
            try:
                while waiting and not given_up.is_set():
                    audience, numbers = waiting[0]
                    self._write(kind, audience, {number: updates[number] for number in numbers}, outcomes, given_up)
                    del waiting[0]
            except FolderError as error:
                if len(waiting) == len(audiences):
                    raise
                for number in (number for _, numbers in waiting for number in numbers):
                    outcomes[number] = Outcome(Status.RETRY, error.message)

        if audiences:
            await self._run(work)
        return outcomes

    async def _run(self, work: Callable[[threading.Event], None]) -> None:
        try:
            await self._thread.run(work, self._settings.write_seconds)
        except FolderError as error:
            raise Unavailable(error.message, login=error.login) from error
        except TimeoutError as error:
            raise Unavailable(f"not written within {self._settings.write_seconds:g} s") from error
        except StillRunning as error:
            raise Unavailable("a write that took too long still hangs") from error

    def _clean(self) -> None:
        """Delete files that are too old, and let new ones follow those of earlier processes."""
        now = self._now()
        self._clean_at = now + CLEANING_INTERVAL
        if self._settings.write_only:
            return
        times = {name: at for name in self._folder.names() if (at := self._names.time_of(name)) is not None}
        self._names.follow(times.values())
        self._followed = True
        oldest = now - self._settings.keep_days * DAY
        # Manifests first: there is none whose file is gone.
        old = sorted((name for name, at in times.items() if at < oldest), key=lambda name: MANIFEST not in name)
        if old:
            self._folder.delete(old)
            log.info("destination %s: %d files were too old, and are deleted", self._settings.name, len(old))

    def _write(
        self,
        kind: str,
        audience: AudienceRef,
        updates: Mapping[int, MemberUpdate],
        outcomes: list[Outcome],
        given_up: threading.Event,
    ) -> None:
        settings = self._settings
        rows = []
        for number, update in updates.items():
            try:
                rows.append(row_of(update))
            except ColumnConflict as error:
                outcomes[number] = Outcome(Status.DEAD, str(error))
        if not rows and kind == DELTA:
            return
        columns = columns_of(audience, rows)
        content = csv(columns, rows, settings.formula_guard) if settings.format == "csv" else parquet(columns, rows)
        name, at = self._names.next(kind, audience.external_id or audience.id, self._now())
        self._folder.write(name, content)
        if given_up.is_set():
            raise FolderError("given up")
        described = manifest(name, kind, settings.name, audience, at, content, columns, rows)
        self._folder.write(f"{name}{MANIFEST}", described)


def _open(settings: FilesSettings) -> Folder:
    """Return the folder that settings name. Raises `InvalidInput`, and `ImportError` without the extra `files`."""
    if settings.format == "parquet":
        import polars  # noqa: F401
    match settings.place.scheme:
        case "sftp":
            from service.destinations.files.sftp import SftpFolder

            return SftpFolder(settings)
        case "s3":
            from service.destinations.files.s3 import S3Folder

            return S3Folder(settings)
    return LocalFolder(Path(settings.place.path))
