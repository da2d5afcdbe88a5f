"""Slow senders of one address do not keep out those of others, and no body costs the others their answers."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
from starlette.types import Message

from service.http.intake_endpoint import MAX_BYTES_OF_ADDRESS, MAX_RECORDS
from tests.builders.connectors import BACKEND_KEY, basic, connected, event, post
from tests.builders.runs import Run
from tests.builders.stores import Fresh

PART = 7_990_000
"""Bytes of a body that does not end; a body has at most 8 MB."""


async def slow(app: Any, address: str, waits: asyncio.Event, left: asyncio.Event) -> None:
    """Send most of a body, then nothing until `left` is set."""
    parts = [{"type": "http.request", "body": b" " * PART, "more_body": True}]

    async def receive() -> Message:
        if parts:
            return parts.pop()
        waits.set()
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(_: Message) -> None:
        pass

    scope = {
        "type": "http", "method": "POST", "path": "/v1/batch", "raw_path": b"/v1/batch", "query_string": b"",
        "headers": [], "client": (address, 1), "server": ("localhost", 80), "scheme": "http", "root_path": "",
    }  # fmt: skip
    await app(scope, receive, send)


def test_slow_senders_of_one_address_do_not_keep_out_others(fresh: Fresh, run: Run, tmp_path: Path) -> None:
    # given as many bodies of one address as it may have
    client = connected(fresh(), run, tmp_path)
    body = {"batch": [event("track", "m-1", event="x" * 100_000, anonymousId="ck-1234")]}

    async def status(address: str) -> int:
        transport = httpx.ASGITransport(client.app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            headers = {"authorization": f"Basic {basic(BACKEND_KEY)}"}
            return (await http.post("/v1/batch", json=body, headers=headers)).status_code

    async def send() -> list[int]:
        left = asyncio.Event()
        waits = [asyncio.Event() for _ in range(MAX_BYTES_OF_ADDRESS // PART)]
        tasks = [asyncio.create_task(slow(client.app, "192.0.2.1", one, left)) for one in waits]
        await asyncio.gather(*(one.wait() for one in waits))
        # when
        found = [await status("192.0.2.1"), await status("192.0.2.2")]
        left.set()
        await asyncio.gather(*tasks)
        return [*found, await status("192.0.2.1")]

    # then the room is free again once they have left
    assert run(send()) == [429, 200, 200]


def test_a_body_has_at_most_so_many_records(fresh: Fresh, run: Run, tmp_path: Path) -> None:
    # given
    client = connected(fresh(), run, tmp_path)
    many = b'{"batch":[' + b"0," * MAX_RECORDS + b"0]}"
    # when
    answers = [post(client, "/v1/batch", body) for body in (many, many[len(b'{"batch":') : -1])]
    # then
    assert [answer.status_code for answer in answers] == [413, 413]
    assert answers[0].json()["message"] == "the body has 100001 records; 100000 are allowed at once"


def test_an_event_of_many_levels_or_half_a_sign_costs_only_itself(fresh: Fresh, run: Run, tmp_path: Path) -> None:
    # given
    client = connected(fresh(), run, tmp_path)
    deep = '{"a":' * 300 + "1" + "}" * 300
    half = '{"type":"track","messageId":"m-1","userId":"u-1","event":"Half \\ud83d","properties":{"a":"\\ud83d"}}'
    nested = '{"type":"track","messageId":"m-2","userId":"u-1","event":"Deep","properties":' + deep + "}"
    good = '{"type":"track","messageId":"m-3","userId":"u-1","event":"Good"}'
    # when
    answer = post(client, "/v1/batch", f'{{"batch":[{half},{nested},{good}]}}'.encode())
    # then
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1)
    assert [(one["record"], one["path"]) for one in answer.json()["problems"]] == [
        (0, ["properties"]), (1, ["properties"]),
    ]  # fmt: skip
