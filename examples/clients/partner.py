"""A partner that sends observations in batches and checks each result: `python partner.py < seen.csv`

A line is `id,time,namespace=value,…`. It is safe to run this again: an observation with a known id is a duplicate.
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
    """Parse lines into observations."""
    for line in lines:
        id, seen_at, *keys = line.strip().split(",")
        parts = (key.partition("=") for key in keys)
        identifiers = [IdentifierInput(namespace=namespace, value=value) for namespace, _, value in parts]
        yield ObservationInput(id=id, source=SOURCE, seenAt=datetime.fromisoformat(seen_at), identifiers=identifiers)


async def main() -> int:
    """Send everything; return the number of rejected observations."""
    key = os.environ.get("GRAPHQL_KEY", "")
    client = KithClient(
        url=os.environ.get("GRAPHQL_URL", "http://127.0.0.1:8000/graphql"),
        headers={"authorization": f"Bearer {key}"} if key else {},
    )
    rejected = 0
    observations = read(sys.stdin)
    async with client:
        while batch := list(islice(observations, BATCH)):
            payload = (await client.send_links(batch)).link_identifiers
            for observation, result in zip(batch, payload.results, strict=True):
                if result.typename__ == "Rejected":
                    rejected += 1
                    print(f"{observation.id} rejected: {result.problem.code.value}: {result.problem.message}")
                    continue
                print(f"{observation.id} {'was stored before' if result.duplicate else 'accepted'}")
                for dropped in result.dropped_identifiers:
                    print(f"  dropped {dropped.namespace} {dropped.value!r}: {dropped.reason}")
    return rejected


if __name__ == "__main__":
    sys.exit(1 if asyncio.run(main()) else 0)
