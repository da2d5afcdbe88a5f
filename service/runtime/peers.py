"""The workers of one service reach each other over Unix sockets in a folder that only they can read.

News, that something was written, are datagrams, and may be lost: whoever waits for them also looks by itself at an
interval. Questions are a line, and get an answer.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

QUESTION_SECONDS = 3.0
"""How long another worker may take to answer."""
NEWS_SECONDS = 0.01
"""The interval in which news are one message."""
MAX_QUESTION_BYTES = 1_000

Answer = Callable[[str], Awaitable[bytes]]


class Peers:
    """The other workers of the service that this process, the worker `number` of `count`, belongs to."""

    def __init__(self, folder: Path, number: int, count: int) -> None:
        self._folder, self.number = folder, number
        self._others = [other for other in range(1, count + 1) if other != number]
        self._news: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._is_scheduled = False
        self._answers: dict[str, Answer] = {}

    def answers(self, subject: str, answer: Answer) -> None:
        """Answer questions about a subject: the function gets what follows its name."""
        self._answers[subject] = answer

    async def open(self, on_news: Callable[[], None]) -> None:
        """Be reachable for others from now on; `on_news` is called if another worker has written something."""
        news = self._news = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        news.setblocking(False)

        def receive() -> None:
            with suppress(BlockingIOError):
                while news.recv(16):
                    pass
            on_news()

        # A predecessor in the same place may still be there, so each has files of its own until it is complete.
        temporary = self._folder / f"{os.getpid()}"
        news.bind(str(temporary))
        temporary.rename(self._news_path(self.number))
        asyncio.get_running_loop().add_reader(news, receive)
        self._server = await asyncio.start_unix_server(self._serve, temporary, limit=MAX_QUESTION_BYTES)
        temporary.rename(self._question_path(self.number))

    def _news_path(self, number: int) -> Path:
        return self._folder / f"{number}.news"

    def _question_path(self, number: int) -> Path:
        return self._folder / f"{number}.questions"

    def announce(self) -> None:
        """Say to the others that something was written."""
        if not self._is_scheduled and self._news is not None:
            self._is_scheduled = True
            asyncio.get_running_loop().call_later(NEWS_SECONDS, self._send_news)

    def _send_news(self) -> None:
        self._is_scheduled = False
        if self._news is None:
            return
        for other in self._others:
            # One that is just being replaced, or is too busy, looks by itself later.
            with suppress(OSError):
                self._news.sendto(b"news", str(self._news_path(other)))

    async def ask(self, subject: str, about: str = "") -> dict[int, bytes]:
        """Ask all others; return the answers by the number of the worker. One that does not answer is left out."""
        answers = await asyncio.gather(*(self._ask(other, f"{subject} {about}\n") for other in self._others))
        return {other: answer for other, answer in zip(self._others, answers, strict=True) if answer is not None}

    async def _ask(self, number: int, question: str) -> bytes | None:
        try:
            async with asyncio.timeout(QUESTION_SECONDS):
                reader, writer = await asyncio.open_unix_connection(self._question_path(number))
                try:
                    writer.write(question.encode())
                    return await reader.read() or None
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError, ValueError, TimeoutError):
                async with asyncio.timeout(QUESTION_SECONDS):
                    subject, _, about = (await reader.readline()).decode().rstrip("\n").partition(" ")
                    answer = self._answers.get(subject)
                    if answer is not None:
                        writer.write(await answer(about))
                    await writer.drain()
        finally:
            writer.close()

    def close(self) -> None:
        """No longer be reachable."""
        if self._news is not None:
            asyncio.get_running_loop().remove_reader(self._news)
            self._news.close()
            self._news = None
        if self._server is not None:
            self._server.close()
