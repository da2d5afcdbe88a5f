"""Families as the systems of a shop see them, with the truth about who is who.

Families share an address, a landline, an email address and a tablet. There are twins, fathers and sons of one name,
namesakes, families that move, people who marry and change their name, and typing errors in every field. The CRM, the
web shop and the club of the shop have records with ids of their own; guests place orders without one. The same seed
gives the same people.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from bench.household_names import CITIES, FAMILY_NAMES, FEMALE, MALE, NICKNAMES, STREETS
from bench.population import START, YEAR
from bench.records import Record
from graph.domain.profile.attributes import Value

TODAY = date(2026, 1, 1)
FAMILY_WEIGHTS = [1 / (rank + 12) for rank in range(len(FAMILY_NAMES))]
GIVEN_WEIGHTS = {names: [1 / (rank + 15) for rank in range(len(names))] for names in (FEMALE, MALE)}
AREAS = 400
"""Postal codes in the region of the shop."""
TYPING_ERROR = 0.015
"""The share of values of a field with a typing error."""


@dataclass(slots=True)
class Home:
    """An address, and from when on the family lives there, in seconds since 1970."""

    street: str
    postal_code: str
    city: str
    since: int = 0


@dataclass(slots=True)
class Person:
    """A person with what is their own; `married` is when they take the name `married_name`."""

    number: int
    given_name: str
    family_name: str
    birth_date: date
    emails: list[str] = field(default_factory=list)
    mobile: str = ""
    married: int = 0
    married_name: str = ""

    @property
    def is_child(self) -> bool:
        """Whether the person is too young to shop alone."""
        return (TODAY - self.birth_date).days < 14 * 365

    def family_name_at(self, at: int) -> str:
        """Return the family name at a time."""
        return self.married_name if self.married_name and at >= self.married else self.family_name


@dataclass(slots=True)
class Household:
    """People who live together, and what they share."""

    people: list[Person]
    homes: list[Home]
    email: str = ""
    landline: str = ""
    tablet: str = ""

    def home_at(self, at: int) -> Home:
        """Return where they live at a time."""
        return [home for home in self.homes if home.since <= at][-1]


class Households:
    """Yields the records of about `people` people."""

    def __init__(self, people: int, seed: int = 1) -> None:
        self._people = people
        self._dice = random.Random(seed)
        self._count = 0
        self._last_home = self._home()

    def __iter__(self) -> Iterator[Record]:
        while self._count < self._people:
            household = self.household()
            for person in household.people:
                yield from self._records(person, household)

    def household(self) -> Household:
        """Return the next household."""
        dice = self._dice
        kind = dice.choices(("single", "couple", "family"), (40, 27, 33))[0]
        family_name = self._family_name()
        first = self._person(dice.choice((FEMALE, MALE)), family_name, self._born(19 if kind == "single" else 24, 85))
        people = [first]
        if kind != "single":
            age = (TODAY - first.birth_date).days // 365
            other = FEMALE if first.given_name in MALE else MALE
            partner = self._person(other, family_name, self._born(max(20, age - 6), age + 7))
            if dice.random() < 0.2:
                # A partner with a name of their own, which most of them change later.
                partner.family_name, partner.married_name = self._family_name(), family_name
                partner.married = START + dice.randrange(2 * YEAR) if dice.random() < 0.6 else START + 9 * YEAR
            people.append(partner)
        if kind == "family":
            people += self._children(people)
        homes = [self._home(near=self._last_home if dice.random() < 0.25 else None)]
        if dice.random() < 0.15:
            homes.append(self._home(since=START + dice.randrange(2 * YEAR)))
        self._last_home = homes[0]
        household = Household(people, homes)
        if dice.random() < (0.5 if kind == "single" else 0.7):
            household.landline = f"+4930{1_000_000 + first.number:07}"
        if kind != "single" and dice.random() < 0.5:
            household.email = f"familie.{first.number}@mail.example"
        if kind != "single" and dice.random() < 0.5:
            household.tablet = f"tablet-{first.number}"
        return household

    def _family_name(self) -> str:
        return self._dice.choices(FAMILY_NAMES, FAMILY_WEIGHTS)[0]

    def _born(self, youngest: int, oldest: int) -> date:
        """Return a date of birth of somebody of at least `youngest` and less than `oldest` years."""
        return TODAY - timedelta(days=self._dice.randrange(youngest * 365, oldest * 365))

    def _person(self, names: tuple[str, ...], family_name: str, birth_date: date) -> Person:
        dice, number = self._dice, self._count
        self._count += 1
        person = Person(number, dice.choices(names, GIVEN_WEIGHTS[names])[0], family_name, birth_date)
        if not person.is_child:
            count = dice.choices((0, 1, 2), (10, 70, 20))[0]
            person.emails = [f"p{number}.{n}@mail.example" for n in range(count)]
            person.mobile = f"+49171{1_000_000 + number:07}" if dice.random() < 0.85 else ""
        return person

    def _children(self, parents: list[Person]) -> list[Person]:
        dice, children = self._dice, []
        eldest = min((TODAY - parent.birth_date).days for parent in parents) - 20 * 365
        names_used = {parent.given_name for parent in parents}
        father = next(parent for parent in parents if parent.given_name in MALE)
        while eldest > 0 and len(children) < dice.choices((1, 2, 3), (45, 40, 15))[0]:
            born = TODAY - timedelta(days=dice.randrange(1, min(eldest, 30 * 365) + 1))
            for _ in range(2 if dice.random() < 0.04 else 1):
                names = dice.choice((FEMALE, MALE))
                child = self._person(names, father.family_name, born)
                while child.given_name in names_used:
                    child.given_name = dice.choices(names, GIVEN_WEIGHTS[names])[0]
                names_used.add(child.given_name)
                children.append(child)
        if children and children[0].given_name in MALE and dice.random() < 0.1:
            children[0].given_name = father.given_name
        return children

    def _home(self, near: Home | None = None, since: int = 0) -> Home:
        """Return an address; `near` is one in the same house."""
        if near is not None:
            return Home(near.street, near.postal_code, near.city, since)
        dice = self._dice
        area = dice.randrange(AREAS)
        street = f"{dice.choice(STREETS)} {dice.randrange(1, 120)}"
        return Home(street, f"{10_000 + area * 223}", CITIES[area % len(CITIES)], since)

    def _records(self, person: Person, household: Household) -> Iterator[Record]:
        dice, number = self._dice, person.number
        less = 0.35 if person.is_child else 1.0
        if dice.random() < 0.5 * less:
            crm_id = f"C{number:08}"
            yield self._record("crm", ("crm_id", crm_id), person, household)
            if dice.random() < 0.3:
                yield self._record("crm", ("crm_id", crm_id), person, household)
            if dice.random() < 0.03:  # entered twice
                yield self._record("crm", ("crm_id", f"D{number:08}"), person, household)
        if dice.random() < 0.5 * less:
            for _ in range(dice.choices((1, 2), (92, 8))[0]):
                own = ("login", f"user{number}.{dice.randrange(10**6)}")
                yield self._record("shop", own, person, household)
        if dice.random() < 0.45 * less:
            yield self._record("club", ("loyalty_card", f"KC{number:08}"), person, household)
        for order in range(dice.choices((0, 1, 2), (65, 25, 10))[0] if not person.is_child else 0):
            yield self._record("guest", ("order", f"W-{number}-{order}"), person, household)

    def _record(self, source: str, own: tuple[str, str], person: Person, household: Household) -> Record:
        dice = self._dice
        at = START + dice.randrange(2 * YEAR)
        states = {"crm": (0.85, 0.95, 0.8), "shop": (0.4, 0.8, 1.0), "club": (0.9, 0.8, 0.6), "guest": (0.0, 1.0, 1.0)}
        birth_date, address, email = states[source]
        attributes: dict[str, Value] = {
            "given_name": self._given_name(person.given_name, source),
            "family_name": self._typed(person.family_name_at(at)),
        }
        if dice.random() < birth_date:
            attributes["birth_date"] = self._typed_date(person.birth_date)
        if dice.random() < address:
            home = household.home_at(at)
            attributes["address"] = {
                "street": self._street(home.street),
                "postal_code": home.postal_code
                if dice.random() > TYPING_ERROR
                else self._wrong_digit(home.postal_code),
                "city": home.city,
            }
        identifiers: list[tuple[str, str]] = []
        if dice.random() < email and (found := self._email(person, household)):
            identifiers.append(("email", found if dice.random() > 0.01 else found.replace("mail.", "mial.")))
        if dice.random() < 0.6 and (phone := self._phone(person, household)):
            identifiers.append(("phone", phone if dice.random() > 0.01 else phone[:6] + self._wrong_digit(phone[6:])))
        if source == "shop" and dice.random() < 0.5:
            shared = household.tablet and dice.random() < 0.4
            identifiers.append(("device", household.tablet if shared else f"phone-{person.number}"))
        return Record(source, own, str(person.number), tuple(identifiers), attributes, at)

    def _email(self, person: Person, household: Household) -> str:
        """Return an address of their own, of the family, or of somebody else in the family."""
        dice = self._dice
        others = [email for other in household.people for email in other.emails if other is not person]
        if person.emails and dice.random() < 0.75:
            return dice.choice(person.emails)
        if household.email and dice.random() < 0.8:
            return household.email
        return dice.choice(others) if others and (person.is_child or dice.random() < 0.3) else ""

    def _phone(self, person: Person, household: Household) -> str:
        dice = self._dice
        if person.mobile and dice.random() < 0.65:
            return person.mobile
        if household.landline and dice.random() < 0.9:
            return household.landline
        mobiles = [other.mobile for other in household.people if other is not person and other.mobile]
        return dice.choice(mobiles) if mobiles and person.is_child else ""

    def _given_name(self, name: str, source: str) -> str:
        chance = self._dice.random()
        if source in ("shop", "guest") and name in NICKNAMES and chance < 0.12:
            return NICKNAMES[name]
        return f"{name[0]}." if source == "guest" and chance > 0.97 else self._typed(name)

    def _typed(self, text: str) -> str:
        """Return a name as somebody typed it: perhaps with a letter too few, too many, wrong, or two in wrong order."""
        dice = self._dice
        if dice.random() > TYPING_ERROR or len(text) < 3:
            return text.upper() if dice.random() < 0.03 else text
        at, letter = dice.randrange(1, len(text) - 1), dice.choice("abcdefghiklmnoprstuz")
        middle = dice.choice(("", text[at] + letter, letter, text[at + 1] + text[at]))
        end = at + 2 if len(middle) == 2 and middle[0] == text[at + 1] and middle[1] == text[at] else at + 1
        return text[:at] + middle + text[end:]

    def _typed_date(self, day: date) -> str:
        dice, text = self._dice, day.isoformat()
        if dice.random() > TYPING_ERROR:
            return text
        if day.day <= 12 and dice.random() < 0.3:
            return f"{day.year}-{day.day:02}-{day.month:02}"
        choices = [
            other for other in (day.replace(day=1), day - timedelta(days=1), day + timedelta(days=10)) if other < TODAY
        ]
        return dice.choice([*choices, day.replace(year=day.year - 10, day=min(day.day, 28))]).isoformat()

    def _street(self, street: str) -> str:
        return street.replace("straße", "str.") if self._dice.random() < 0.15 else self._typed(street)

    def _wrong_digit(self, digits: str) -> str:
        at = self._dice.randrange(len(digits))
        return f"{digits[:at]}{(int(digits[at]) + self._dice.randrange(1, 10)) % 10}{digits[at + 1 :]}"
