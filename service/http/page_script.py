"""`/kith.js`: the script that sends the page views and events of a shop's pages, docs/connectors/browser.md."""

import gzip
import hashlib
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

PATH = "/kith.js"
MAX_AGE = 3_600
"""Seconds for which browsers may use the script without asking for a newer one."""


class PageScript:
    """Answers with the script, compressed if the client reads that."""

    def __init__(self) -> None:
        self._plain = (Path(__file__).parent / "static" / "kith.js").read_bytes()
        self._packed = gzip.compress(self._plain, mtime=0)
        self._etag = f'W/"{hashlib.sha256(self._plain).hexdigest()[:32]}"'

    def answer(self, request: Request) -> Response:
        """Answer a request."""
        headers = {
            "ETag": self._etag,
            "Cache-Control": f"public, max-age={MAX_AGE}",
            # Pages of other origins load it; by default, those that isolate themselves could not.
            "Cross-Origin-Resource-Policy": "cross-origin",
            "X-Content-Type-Options": "nosniff",
            "Vary": "Accept-Encoding",
        }
        if self._etag in request.headers.get("If-None-Match", ""):
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return Response(self._packed, headers=headers, media_type="text/javascript")
        return Response(self._plain, headers=headers, media_type="text/javascript")
