"""An SMTP server that has no mailboxes. Run in .venv-mail; it prints its port, and runs until it is stopped."""

import asyncio
from typing import Any

from aiosmtpd.smtp import SMTP


class NoMailboxes:
    """Refuses every recipient for good."""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        """Answer to the command RCPT."""
        return f"550 5.1.1 {address}: no such mailbox"


async def serve() -> None:
    """Serve on a free port."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(NoMailboxes(), hostname="localhost"), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
