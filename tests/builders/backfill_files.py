"""Random histories with everything that a backfill decides: all kinds of lines, good and bad, in several files."""

import json
import random
from pathlib import Path
from typing import Any

from tests.builders.clients import identifiers

DAYS = [f"2026-01-{day:02}T10:00:00Z" for day in range(1, 29)]


def random_lines(seed: int, count: int) -> list[dict[str, Any]]:
    """Lines about a few people, so that they repeat, contradict and replace each other."""
    dice = random.Random(seed)
    keys = [
        *(f"crm_id=C{number}" for number in range(30)),
        *(f"email=p{number}@mail.example" for number in range(40)),
        *(f"phone=+49171{number:08}" for number in range(20)),
        *(f"loyalty_card=KC{number:06}" for number in range(20)),
        *(f"cookie=ck-{number}" for number in range(30)),
        *(f"device=dev-{number}" for number in range(6)),
        "email=unknown",
    ]
    return [_line(dice, number, keys) for number in range(count)]


def _line(dice: random.Random, number: int, keys: list[str]) -> dict[str, Any]:
    named = identifiers(*dice.sample(keys, dice.choice((1, 2, 2, 2, 3))))
    base = {"source": dice.choice(("crm", "shop", "web")), "identifiers": named}
    day, id = dice.choice(DAYS), f"id-{dice.randrange(number + 1)}"
    party = {"party": dice.choice(("FIRST_PARTY", "SECOND_PARTY", "THIRD_PARTY"))}
    match dice.randrange(9):
        case 0:
            order = f"W-{dice.randrange(12)}"
            rest = {"number": order, "placedAt": DAYS[0], "reportedAt": day, "currency": "EUR", "total": "12.50"}
            lines = {"lines": [{"sku": "a", "quantity": "1", "total": "12.50"}]}
            changed = {"status": dice.choice(("placed", "paid", "cancelled"))}
            if dice.random() < 0.3:
                del base["identifiers"]
            return {**base, **rest, **lines, **changed, **party}
        case 1:
            kind = dice.choice(("email_opened", "product_viewed", "unsubscribed"))
            return {**base, "id": id, "type": kind, "occurredAt": day}
        case 2:
            said = dice.choice(("GIVEN", "REFUSED", "WITHDRAWN"))
            text = {"policyText": f"text {dice.randrange(3)}", "policyVersion": "1"} if dice.random() < 0.3 else {}
            purpose = dice.choice(("profiling", "newsletter"))
            return {**base, "id": id, "purpose": purpose, "decision": said, "decidedAt": day, **text}
        case 3:
            stated = {"birth_date": dice.choice(("1980-05-04", "1980-04-05", "1999-12-31", None)), "given_name": "Ann"}
            return {**base, "id": id, "reportedAt": day[:10], "attributes": stated}
        case 4:
            return {**base, "id": id, "seenAt": day, "confidence": dice.choice((0.5, 0.92, 0.97))}
        case _:
            # An id that occurs again is a duplicate, or a conflict.
            again = f"id-{dice.randrange(count_of_ids(number))}"
            return {**base, "id": dice.choice((id, again)), "seenAt": day, **party}


def count_of_ids(number: int) -> int:
    """The number of ids to choose from, so that some are chosen twice."""
    return 1 + number // 2


def special_lines() -> list[dict[str, Any]]:
    """A hairball, a till that is shared, a recycled phone, and a product, which a backfill does not load."""
    hairball = [
        {
            "source": "web",
            "id": f"hair-{n}",
            "seenAt": DAYS[n % 28],
            "identifiers": identifiers("email=info@company.example", f"device=h{n:03}"),
        }
        for n in range(120)
    ]
    till = [
        {
            "source": "till",
            "id": f"till-{n}",
            "seenAt": DAYS[n % 28],
            "identifiers": identifiers("device=till", f"loyalty_card=T{n:06}"),
        }
        for n in range(30)
    ]
    phone = [
        {
            "source": "crm",
            "id": f"recycled-{n}",
            "seenAt": DAYS[n],
            "identifiers": identifiers(f"crm_id=R{n}", "phone=+491709999999"),
        }
        for n in range(4)
    ]
    product = {"source": "pim", "sku": "A-17", "name": "Kettle", "reportedAt": DAYS[0]}
    return [*hairball, *till, *phone, product]


def write_files(folder: Path, seed: int, count: int) -> list[Path]:
    """Write a history into two files, with lines that cannot be read and blank ones between the others."""
    lines = [json.dumps(line) for line in (*random_lines(seed, count), *special_lines())]
    # Exact repeats, in the other file.
    lines += lines[:: count // 20]
    dice = random.Random(seed)
    for _ in range(5):
        lines.insert(dice.randrange(len(lines)), dice.choice(("", "  ", "{nope", '{"source": "x"}', '["list"]')))
    half = len(lines) // 2
    paths = [folder / "part-b.ndjson", folder / "part-a.ndjson"]
    for path, part in zip(paths, (lines[:half], lines[half:]), strict=True):
        path.write_text("\n".join(part) + "\n", "utf-8")
    return paths
