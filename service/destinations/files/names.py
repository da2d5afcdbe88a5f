"""Names of the files of a destination: they sort by time, and are never given twice."""

import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

PART = ".part"
"""Ends the name of a file that is being written."""
MANIFEST = ".manifest.json"
"""Ends the name of the manifest of a file."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FORMAT = "%Y%m%dT%H%M%S.%fZ"
_LABEL_LENGTH = 60


class FileNames:
    """The names of the files of one destination: `TIME-RANDOM-KIND-AUDIENCE-DESTINATION.FORMAT`.

    Each has a later time than the one before, even if the clock goes back. Destinations may share a folder: the name
    of the destination is all that follows the fourth hyphen.
    """

    def __init__(self, destination: str, format: str) -> None:
        self._last = 0
        self._ending = f"-{destination}.{format}"
        # Files of the other format are ours, too: the setting may have changed.
        self._pattern = re.compile(
            rf"(\d{{8}}T\d{{6}}\.\d{{6}}Z)-[0-9a-f]{{8}}-(?:delta|snapshot)-[a-z0-9_]+-{re.escape(destination)}"
            rf"\.(?:csv|parquet)(?:{re.escape(MANIFEST)})?({re.escape(PART)})?"
        )

    def next(self, kind: str, audience: str, now: int) -> tuple[str, int]:
        """Return the name of a new file, and its time: `now` or later, in microseconds."""
        self._last = max(now, self._last + 1)
        time = (_EPOCH + timedelta(microseconds=self._last)).strftime(_FORMAT)
        return f"{time}-{secrets.token_hex(4)}-{kind}-{label(audience)}{self._ending}", self._last

    def follow(self, times: Iterable[int]) -> None:
        """Give later times than those of files that earlier processes have written."""
        self._last = max([self._last, *times])

    def time_of(self, name: str) -> int | None:
        """Return the time (microseconds) in the name of a file of this destination; `None` for any other file."""
        found = self._pattern.fullmatch(name)
        if found is None:
            return None
        try:
            time = datetime.strptime(found[1], _FORMAT).replace(tzinfo=UTC)
        except ValueError:
            return None
        return (time - _EPOCH) // timedelta(microseconds=1)


def label(audience: str) -> str:
    """Return the text of an audience that its files are named by: small letters, digits and underscores."""
    return re.sub("[^a-z0-9]+", "_", audience.lower()).strip("_")[:_LABEL_LENGTH] or "audience"
