"""A random population with known identities, as the systems of a shop would see it.

People have email addresses, phones, cards, logins, CRM numbers, devices and cookies. Households share tablets, tills
see everybody, guests order once, phone numbers are recycled, addresses have typos, and systems send placeholders. Most
components have 2 to 8 identifiers, with a long tail and a few hairballs of 10,000. The same seed gives the same
population.

    python -m bench.population --links 100000 --seed 1 OUT.ndjson      writes observations and orders for `kith import`
"""

import argparse
import json
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

YEAR = 365 * 24 * 3600
START = 1_704_067_200
"""2024-01-01, in seconds since 1970."""
PLACEHOLDERS = ("unknown", "null", "undefined", "000000", "test", "anonymous")
HAIRBALL = 10_000
"""Identifiers of a hairball."""


@dataclass(slots=True)
class SampleObservation:
    """Identifiers that a source saw together, at a time in seconds since 1970. An order has a total."""

    source: str
    id: str
    at: int
    keys: tuple[tuple[str, str], ...]
    total: str | None = None

    @property
    def links(self) -> int:
        """Return the number of pairs that it supports."""
        count = len(self.keys)
        return count * (count - 1) // 2

    def as_line(self) -> dict[str, Any]:
        """Return a line for `kith import`."""
        at = _iso(self.at)
        identifiers = [{"namespace": name, "value": value} for name, value in self.keys]
        if self.total is None:
            return {"source": self.source, "id": self.id, "seenAt": at, "identifiers": identifiers}
        return {
            "source": self.source,
            "number": self.keys[0][1],
            "placedAt": at,
            "reportedAt": at,
            "currency": "EUR",
            "total": self.total,
            "identifiers": identifiers[1:],
            "lines": [{"sku": f"sku-{self.at % 997}", "quantity": "1", "total": self.total}],
        }


def _iso(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(slots=True)
class _Person:
    number: int
    emails: list[str]
    phones: list[str]
    cards: list[str]
    crm: str | None
    login: str | None
    devices: list[tuple[str, list[str]]]
    """Devices, each with the cookies of its browsers."""


@dataclass(slots=True)
class Population:
    """Yields observations and records the truth: the person of each identifier, `None` if it belongs to nobody."""

    links: int
    seed: int = 1
    hairballs: int | None = None
    truth: dict[tuple[str, str], int | None] = field(default_factory=dict)
    made: int = 0
    people: int = 0

    def __iter__(self) -> Iterator[SampleObservation]:
        dice = random.Random(self.seed)
        hairballs = self.links // 500_000 if self.hairballs is None else self.hairballs
        for number in range(hairballs):
            yield from self._count(self._hairball(dice, number))
        recycled: list[str] = []
        while self.made < self.links:
            household = [self._person(dice, recycled) for _ in range(dice.choices((1, 2, 3, 4), (70, 18, 8, 4))[0])]
            yield from self._count(self._household(dice, household))

    def _count(self, seen: Iterable[SampleObservation]) -> Iterator[SampleObservation]:
        for observation in seen:
            self.made += observation.links
            yield observation

    def _own(self, person: int | None, namespace: str, value: str) -> tuple[str, str]:
        key = namespace, value
        # An identifier of two people (a recycled phone number) counts as nobody's in the score.
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
        devices = [
            (
                f"dev-{number}-{device}",
                [f"ck-{number}-{device}-{cookie}" for cookie in range(dice.choices((1, 2, 4), (70, 22, 8))[0])],
            )
            for device in range(1 if guest else dice.choices((1, 2, 3), (60, 30, 10))[0])
        ]
        return _Person(
            number,
            [f"p{number}.{n}@mail.example" for n in range(1 if guest else dice.choices((1, 2, 3), (70, 24, 6))[0])],
            [phone] if dice.random() < 0.6 else [],
            [f"KC{number:08}"] if not guest and dice.random() < 0.55 else [],
            f"C{number:08}" if not guest and dice.random() < 0.7 else None,
            f"user{number}" if not guest and dice.random() < 0.6 else None,
            devices,
        )

    def _household(self, dice: random.Random, people: list[_Person]) -> Iterator[SampleObservation]:
        tablet = None
        if len(people) > 1 and dice.random() < 0.6:
            tablet = self._own(None, "device", f"tablet-{people[0].number}")
        for person in people:
            yield from self._life(dice, person, tablet)

    def _life(
        self, dice: random.Random, person: _Person, tablet: tuple[str, str] | None
    ) -> Iterator[SampleObservation]:
        own, count = self._own, 0

        def seen(source: str, *keys: tuple[str, str]) -> SampleObservation:
            nonlocal count
            count += 1
            return SampleObservation(
                source, f"{source}-{person.number}-{count}", START + dice.randrange(2 * YEAR), keys
            )

        email = own(person.number, "email", person.emails[0])
        if person.crm is not None:
            keys = [own(person.number, "crm_id", person.crm), email]
            keys += [own(person.number, "phone", phone) for phone in person.phones]
            keys += [own(person.number, "loyalty_card", card) for card in person.cards]
            if not person.cards and dice.random() < 0.1:
                keys.append(("loyalty_card", dice.choice(PLACEHOLDERS)))
            yield seen("crm", *keys)
        elif person.phones:
            yield seen("shop", email, own(person.number, "phone", person.phones[0]))
        strong = own(person.number, "login", person.login) if person.login else email
        if person.login:
            typo = email[1].replace("mail.", "mial.") if dice.random() < 0.01 else email[1]
            yield seen("web", strong, own(person.number, "email", typo))
        for address in person.emails[1:]:
            yield seen("shop", strong, own(person.number, "email", address))
        for device, cookies in person.devices:
            yield seen("app", own(person.number, "device", device), strong)
            for cookie in cookies:
                # Some cookies never meet a login: an anonymous visitor stays person.
                if dice.random() < 0.15:
                    yield seen("web", own(person.number, "cookie", cookie))
                else:
                    yield seen("web", own(person.number, "cookie", cookie), strong)
        if tablet is not None and dice.random() < 0.8:
            yield seen("web", tablet, strong)
        yield from self._orders(dice, person, email)

    def _orders(self, dice: random.Random, person: _Person, email: tuple[str, str]) -> Iterator[SampleObservation]:
        for number in range(min(200, int(dice.paretovariate(1.1)) - 1)):
            at = START + dice.randrange(2 * YEAR)
            order = self._own(person.number, "order", f"W-{person.number}-{number}")
            total = f"{dice.randrange(500, 20_000) / 100:.2f}"
            if person.cards and dice.random() < 0.4:
                till = self._own(None, "device", f"till-{dice.randrange(1 + self.people // 2000)}")
                card = self._own(person.number, "loyalty_card", person.cards[0])
                yield SampleObservation("till", "", at, (order, card, till), total)
            else:
                yield SampleObservation("shop", "", at, (order, email), total)

    def _hairball(self, dice: random.Random, number: int) -> Iterator[SampleObservation]:
        """Yield observations of a company address that thousands of cookies used."""
        hub = self._own(None, "email", f"info@company-{number}.example")
        for n in range(HAIRBALL - 1):
            at = START + dice.randrange(2 * YEAR)
            id = f"hair-{number}-{n}"
            yield SampleObservation("web", id, at, (hub, self._own(None, "cookie", id)))


def score(
    customers: Iterable[Iterable[tuple[str, str]]], truth: Mapping[tuple[str, str], int | None]
) -> dict[str, float]:
    """Return pairwise precision and recall: the share of pairs in one customer that are of one person, and the share of
    pairs of one person that are in one customer. Identifiers that belong to nobody are left out."""
    correct = together = 0
    for keys in customers:
        people: dict[int, int] = {}
        for key in keys:
            person = truth.get(key)
            if person is not None:
                people[person] = people.get(person, 0) + 1
        size = sum(people.values())
        together += size * (size - 1) // 2
        correct += sum(count * (count - 1) // 2 for count in people.values())
    sizes: dict[int, int] = {}
    for person in truth.values():
        if person is not None:
            sizes[person] = sizes.get(person, 0) + 1
    possible = sum(count * (count - 1) // 2 for count in sizes.values())
    return {"precision": correct / together if together else 1.0, "recall": correct / possible if possible else 1.0}


def main() -> None:
    """Write a population for `kith import`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--links", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    population = Population(options.links, options.seed)
    with options.file.open("w", encoding="utf-8") as out:
        for seen in population:
            out.write(json.dumps(seen.as_line()) + "\n")
    print(f"{population.made} links, {population.people} people, {len(population.truth)} identifiers")


if __name__ == "__main__":
    main()
