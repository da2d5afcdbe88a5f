"""A service that destinations kill with -9 while it sends to them: what they hold in the end.

    python -m tests.builders.killed_services [TIMES]

prints how often it was killed at which moment, and what was missing afterward.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from tests.builders.clients import LINK, seen
from tests.builders.operations import CONSENTS
from tests.builders.services import Service
from tests.builders.vendor_servers import Received, Reply, VendorServer

PEOPLE = 12
MOMENTS = ("before it is taken", "before the answer", "after the answer")
"""When a receiver kills the service, of a request that it receives."""
LATEST = 0.02
"""Seconds after the answer within which the service is killed: what it stores of the answer takes about that long."""
DESTINATIONS = ("first", "second", "third")
WAIT_SECONDS = 120
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


class Killer(VendorServer):
    """Holds the addresses of an audience; kills a process at a moment of the next request once it is armed."""

    def __init__(self, dice: random.Random) -> None:
        super().__init__()
        self.members: set[str] = set()
        self._dice = dice
        self._moment = ""
        self._pid = 0

    def arm(self, moment: str, pid: int) -> None:
        self._pid, self._moment = pid, moment

    def answer(self, request: Received) -> Reply:
        if len(request.body) < int(request.headers["content-length"]):
            # The service was killed while it sent this.
            return Reply(400)
        moment, self._moment = self._moment, ""
        if moment == "before it is taken":
            os.kill(self._pid, signal.SIGKILL)
            return Reply(503)
        data = request.json["data"]
        change = self.members.add if data["present"] else self.members.discard
        change(data["address"]["value"])
        if moment == "before the answer":
            os.kill(self._pid, signal.SIGKILL)
        elif moment:
            threading.Timer(self._dice.random() * LATEST, os.kill, (self._pid, signal.SIGKILL)).start()
        return Reply()


class KilledService:
    """A service over one SQLite file with three destinations, each of which may kill it."""

    def __init__(self, folder: Path, dice: random.Random) -> None:
        self._folder, self._dice = folder, dice
        self.killers = {name: Killer(dice) for name in DESTINATIONS}
        self.kills: Counter[str] = Counter()
        for killer in self.killers.values():
            killer.start()
        (folder / "secret").write_text(SECRET)
        tables = [
            f'[[destination]]\nname = "{name}"\ntype = "webhook"\n'
            f'[[destination.endpoints]]\nurl = "{killer.url}"\nsecrets = ["file:secret"]\n'
            for name, killer in self.killers.items()
        ]
        (folder / "destinations.toml").write_text("\n".join(tables))
        self._decided = 0
        self.service = self._started()

    def _started(self) -> Service:
        file = f"sqlite:///{self._folder / 'kith.db'}"
        return Service(file, self._folder, destinations=self._folder / "destinations.toml").wait()

    def ask(self, query: str, **input: Any) -> Any:
        (payload,) = self.service.ask(query, {"input": input}).values()
        assert not payload.get("errors"), payload
        return payload

    def prepare(self) -> None:
        """Send all known people who agree to newsletters to each destination."""
        self.ask(LINK, observations=[seen(f"email={email(n)}", f"crm_id=c-{n}", source="crm") for n in range(PEOPLE)])
        created = self.ask(
            "mutation($input: CreateSegmentInput!) { createSegment(input: $input) { segment { id } errors { code } } }",
            name="known",
            rule={"known": True},
        )
        for name in DESTINATIONS:
            self.ask(
                """mutation($input: CreateAudienceInput!) {
                    createAudience(input: $input) { audience { id } errors { code message } } }""",
                segmentId=created["segment"]["id"],
                destination=name,
                purpose="newsletter",
                channel="EMAIL",
            )

    def decide(self, people: list[int]) -> None:
        """Let people decide about newsletters; each agrees or withdraws, as it comes."""
        consents = []
        for number in people:
            self._decided += 1
            consents.append(
                {
                    "source": "shop",
                    "identifiers": [{"namespace": "email", "value": email(number)}],
                    "decidedAt": f"2026-01-{1 + self._decided // 86_400:02}T{_time(self._decided)}Z",
                    "purpose": "newsletter",
                    "decision": self._dice.choice(["GIVEN", "WITHDRAWN"]),
                }
            )
        self.ask(CONSENTS, consents=consents)

    def kill_once(self) -> None:
        """Let people decide until a destination has killed the service in the middle of sending it; start it again."""
        moment = self._dice.choice(MOMENTS)
        name = self._dice.choice(DESTINATIONS)
        self.killers[name].arm(moment, self.service.pid)
        while not self.service.has_ended:
            try:
                self.decide(self._dice.sample(range(PEOPLE), 4))
            except httpx.TransportError:
                # The service was killed while it was asked.
                self.service.ended()
            until = time.monotonic() + 1
            while time.monotonic() < until and not self.service.has_ended:
                time.sleep(0.01)
        assert self.service.ended() == -signal.SIGKILL
        self.kills[moment] += 1
        self.service.stop()
        self.service = self._started()

    def expected(self) -> set[str]:
        """The addresses of the segment's members that may be contacted, as the service says."""
        fields = 'segments { segment { name } } contactableAddresses(purpose: "newsletter", channel: EMAIL) { value }'
        aliases = " ".join(
            f'p{n}: customer(by: {{identifier: {{namespace: "email", value: "{email(n)}"}}}}) {{ {fields} }}'
            for n in range(PEOPLE)
        )
        return {
            address["value"]
            for customer in self.service.ask(f"{{ {aliases} }}").values()
            if [one["segment"]["name"] for one in customer["segments"]] == ["known"]
            for address in customer["contactableAddresses"]
        }

    def differences(self) -> dict[str, dict[str, list[str]]]:
        """What each destination holds beside what it should, and what it lacks, once there was time to send all."""
        until = time.monotonic() + WAIT_SECONDS
        while (found := self._differences()) and time.monotonic() < until:
            time.sleep(0.05)
        return found

    def _differences(self) -> dict[str, dict[str, list[str]]]:
        expected = self.expected()
        return {
            name: {
                "not removed": sorted(killer.members - expected),
                "missing": sorted(expected - killer.members),
            }
            for name, killer in self.killers.items()
            if killer.members != expected
        }

    def stop(self) -> None:
        self.service.stop()
        for killer in self.killers.values():
            killer.stop()


def email(number: int) -> str:
    return f"p{number}@example.com"


def _time(seconds: int) -> str:
    return f"{seconds // 3_600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def run(folder: Path, times: int, seed: int = 7, check_every: int = 10) -> dict[str, Any]:
    """Kill a service some times; return how often at which moment, and all differences that were found."""
    killed = KilledService(folder, random.Random(seed))
    differences: list[Any] = []
    try:
        killed.prepare()
        for turn in range(1, times + 1):
            killed.kill_once()
            if turn % check_every == 0 or turn == times:
                if found := killed.differences():
                    differences.append({"after": turn, **found})
                print(f"killed {turn} times, {len(differences)} differences", file=sys.stderr, flush=True)
        return {"killed": dict(killed.kills), "differences": differences}
    finally:
        killed.stop()


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("times", nargs="?", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(run(Path(folder), chosen.times, chosen.seed)))


if __name__ == "__main__":
    main()
