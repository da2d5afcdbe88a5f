"""A population with truth, seeded: what a shop's systems would see of people whose identities we know.

People have e-mail addresses, phones, cards, logins, CRM numbers, devices and cookies; households share tablets; tills
see everybody; guests come once; phones are recycled; addresses have typos; systems send placeholders. Components
of evidence are mostly of 2 to 8 identifiers, with a long tail and a few hairballs of 10,000.

    python -m bench.population --links 100000 --seed 1 OUT.ndjson      writes observations and orders for `kith import`
"""

import argparse
import json
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

YEAR = 365 * 24 * 3600
START = 1_704_067_200
"""2024-01-01, in seconds since 1970."""
PLACEHOLDERS = ("unknown", "null", "undefined", "000000", "test", "anonymous")
HAIRBALL = 10_000


@dataclass(slots=True)
class Seen:
    """Identifiers that a source saw together at a second; an order carries what it came to."""

    source: str
    id: str
    at: int
    keys: tuple[tuple[str, str], ...]
    total: str | None = None

    @property
    def links(self) -> int:
        """The pairs it supports."""
        count = len(self.keys)
        return count * (count - 1) // 2

    def as_line(self) -> dict[str, Any]:
        """A line for `kith import`."""
        at = _iso(self.at)
        identifiers = [{"namespace": name, "value": value} for name, value in self.keys]
        if self.total is None:
            return {"source": self.source, "id": self.id, "seenAt": at, "identifiers": identifiers}
        return {
            "source": self.source,
            "number": self.keys[0][1],
            "placedAt": at,
            "statedAt": at,
            "currency": "EUR",
            "total": self.total,
            "identifiers": identifiers[1:],
            "lines": [{"sku": f"sku-{self.at % 997}", "quantity": "1", "total": self.total}],
        }


def _iso(second: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(slots=True)
class _Person:
    number: int
    emails: list[str]
    phones: list[str]
    cards: list[str]
    crm: str | None
    login: str | None
    gadgets: list[tuple[str, list[str]]]
    """Devices with the cookies in their browsers."""


@dataclass(slots=True)
class Population:
    """What was seen, and the truth: identifier to person, `None` for what is no one's own."""

    links: int
    seed: int = 1
    hairballs: int | None = None
    truth: dict[tuple[str, str], int | None] = field(default_factory=dict)
    made: int = 0
    people: int = 0

    def __iter__(self) -> Iterator[Seen]:
        dice = random.Random(self.seed)
        hairballs = self.links // 500_000 if self.hairballs is None else self.hairballs
        for number in range(hairballs):
            yield from self._count(self._hairball(dice, number))
        recycled: list[str] = []
        while self.made < self.links:
            household = [self._person(dice, recycled) for _ in range(dice.choices((1, 2, 3, 4), (70, 18, 8, 4))[0])]
            yield from self._count(self._household(dice, household))

    def _count(self, seen: Iterable[Seen]) -> Iterator[Seen]:
        for one in seen:
            self.made += one.links
            yield one

    def _own(self, person: int | None, namespace: str, value: str) -> tuple[str, str]:
        key = namespace, value
        # What two people have in truth (a recycled phone) is no one's own for the score.
        self.truth[key] = person if self.truth.get(key, person) == person else None
        return key

    def _person(self, dice: random.Random, recycled: list[str]) -> _Person:
        number = self.people
        self.people += 1
        phone = f"+49171{number:08}"
        if recycled and dice.random() < 0.01:
            phone = recycled.pop(dice.randrange(len(recycled)))
        elif dice.random() < 0.02:
            recycled.append(phone)
        guest = dice.random() < 0.25
        gadgets = [
            (
                f"dev-{number}-{one}",
                [f"ck-{number}-{one}-{two}" for two in range(dice.choices((1, 2, 4), (70, 22, 8))[0])],
            )
            for one in range(1 if guest else dice.choices((1, 2, 3), (60, 30, 10))[0])
        ]
        return _Person(
            number,
            [f"p{number}.{one}@mail.example" for one in range(1 if guest else dice.choices((1, 2, 3), (70, 24, 6))[0])],
            [phone] if dice.random() < 0.6 else [],
            [f"KC{number:08}"] if not guest and dice.random() < 0.55 else [],
            f"C{number:08}" if not guest and dice.random() < 0.7 else None,
            f"user{number}" if not guest and dice.random() < 0.6 else None,
            gadgets,
        )

    def _household(self, dice: random.Random, people: list[_Person]) -> Iterator[Seen]:
        tablet = None
        if len(people) > 1 and dice.random() < 0.6:
            tablet = self._own(None, "device", f"tablet-{people[0].number}")
        for person in people:
            yield from self._life(dice, person, tablet)

    def _life(self, dice: random.Random, one: _Person, tablet: tuple[str, str] | None) -> Iterator[Seen]:
        own, count = self._own, 0

        def seen(source: str, *keys: tuple[str, str]) -> Seen:
            nonlocal count
            count += 1
            return Seen(source, f"{source}-{one.number}-{count}", START + dice.randrange(2 * YEAR), keys)

        email = own(one.number, "email", one.emails[0])
        if one.crm is not None:
            keys = [own(one.number, "crm_id", one.crm), email]
            keys += [own(one.number, "phone", phone) for phone in one.phones]
            keys += [own(one.number, "loyalty_card", card) for card in one.cards]
            if not one.cards and dice.random() < 0.1:
                keys.append(("loyalty_card", dice.choice(PLACEHOLDERS)))
            yield seen("crm", *keys)
        elif one.phones:
            yield seen("shop", email, own(one.number, "phone", one.phones[0]))
        strong = own(one.number, "login", one.login) if one.login else email
        if one.login:
            typo = email[1].replace("mail.", "mial.") if dice.random() < 0.01 else email[1]
            yield seen("web", strong, own(one.number, "email", typo))
        for other in one.emails[1:]:
            yield seen("shop", strong, own(one.number, "email", other))
        for device, cookies in one.gadgets:
            yield seen("app", own(one.number, "device", device), strong)
            for cookie in cookies:
                # Some cookies never meet a login: an anonymous visitor stays one.
                if dice.random() < 0.15:
                    yield seen("web", own(one.number, "cookie", cookie))
                else:
                    yield seen("web", own(one.number, "cookie", cookie), strong)
        if tablet is not None and dice.random() < 0.8:
            yield seen("web", tablet, strong)
        yield from self._orders(dice, one, email)

    def _orders(self, dice: random.Random, one: _Person, email: tuple[str, str]) -> Iterator[Seen]:
        for number in range(min(200, int(dice.paretovariate(1.1)) - 1)):
            at = START + dice.randrange(2 * YEAR)
            order = self._own(one.number, "order", f"W-{one.number}-{number}")
            total = f"{dice.randrange(500, 20_000) / 100:.2f}"
            if one.cards and dice.random() < 0.4:
                till = self._own(None, "device", f"till-{dice.randrange(1 + self.people // 2000)}")
                card = self._own(one.number, "loyalty_card", one.cards[0])
                yield Seen("till", "", at, (order, card, till), total)
            else:
                yield Seen("shop", "", at, (order, email), total)

    def _hairball(self, dice: random.Random, number: int) -> Iterator[Seen]:
        """An address of a company that thousands of cookies used."""
        hub = self._own(None, "email", f"info@company-{number}.example")
        for one in range(HAIRBALL - 1):
            at = START + dice.randrange(2 * YEAR)
            yield Seen("web", f"hair-{number}-{one}", at, (hub, self._own(None, "cookie", f"hair-{number}-{one}")))


def score(
    customers: Iterable[Iterable[tuple[str, str]]], truth: Mapping[tuple[str, str], int | None]
) -> dict[str, float]:
    """Pairwise precision and recall against the truth: of the pairs brought together, how many are one person's, and of
    all pairs that are one person's, how many were brought together. What is no one's own is left out."""
    right = together = 0
    for keys in customers:
        people: dict[int, int] = {}
        for key in keys:
            person = truth.get(key)
            if person is not None:
                people[person] = people.get(person, 0) + 1
        size = sum(people.values())
        together += size * (size - 1) // 2
        right += sum(count * (count - 1) // 2 for count in people.values())
    sizes: dict[int, int] = {}
    for person in truth.values():
        if person is not None:
            sizes[person] = sizes.get(person, 0) + 1
    possible = sum(count * (count - 1) // 2 for count in sizes.values())
    return {"precision": right / together if together else 1.0, "recall": right / possible if possible else 1.0}


def main() -> None:
    """Write a population for `kith import`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--links", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    population = Population(asked.links, asked.seed)
    with asked.file.open("w", encoding="utf-8") as out:
        for seen in population:
            out.write(json.dumps(seen.as_line()) + "\n")
    print(f"{population.made} links of {population.people} people, {len(population.truth)} identifiers")


if __name__ == "__main__":
    main()
