"""A partner: sends which identifiers it saw together, and looks at each answer. `python partner.py < seen.csv`

A line is `id,time,namespace=value,…`. It may be run again: the ids keep what was sent from counting twice.
"""

import asyncio
import os
import sys
from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from kith_client import IdentifierInput, KithClient, ObservationInput

SOURCE = "partner"
BATCH = 500


def read(lines: Iterator[str]) -> Iterator[ObservationInput]:
    """The observations of lines."""
    for line in lines:
        id, seen_at, *keys = line.strip().split(",")
        named = (key.partition("=") for key in keys)
        identifiers = [IdentifierInput(namespace=namespace, value=value) for namespace, _, value in named]
        yield ObservationInput(id=id, source=SOURCE, seenAt=datetime.fromisoformat(seen_at), identifiers=identifiers)


async def main() -> int:
    """Send everything; answers how many were refused."""
    key = os.environ.get("KITH_KEY", "")
    client = KithClient(
        url=os.environ.get("KITH_URL", "http://127.0.0.1:8000/graphql"),
        headers={"authorization": f"Bearer {key}"} if key else {},
    )
    refused = 0
    observations = read(sys.stdin)
    async with client:
        while batch := list(islice(observations, BATCH)):
            answer = (await client.send_links(batch)).link_identifiers
            for sent, result in zip(batch, answer.results, strict=True):
                if result.typename__ == "Refused":
                    refused += 1
                    print(f"{sent.id} refused: {result.problem.code.value}: {result.problem.message}")
                    continue
                print(f"{sent.id} -> {result.customer_id}{' (known already)' if result.repeated else ''}")
                for one in result.dropped:
                    print(f"  dropped {one.namespace} {one.value!r}: {one.reason}")
    return refused


if __name__ == "__main__":
    sys.exit(1 if asyncio.run(main()) else 0)
