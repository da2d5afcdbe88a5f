"""The vendors' own libraries, which run in an environment of their own, and people whose data they normalize."""

import json
import os
import random
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import phonenumbers
import pytest

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-destinations" / "bin" / "python"

GIVEN_NAMES = ("Ann", "Zoë", "Jörg", "Mary Ann", "Jean-Luc", "José", "Łukasz", "Renée", "Ümit", "Søren", "John")
FAMILY_NAMES = ("Smith", "O'Neil", "Müller", "van der Berg", "Núñez", "Schäfer-Lang", "Kowalski", "D’Angelo", "Ng")
CITIES = ("New York", "Köln", "St. Gallen", "Aix-en-Provence", "London", "Bad Homburg (Höhe)")
POSTAL_CODES = ("37221-1234", "M1 1AE", "10115", " 8001 ", "SW1A 2AA")
DOMAINS = ("gmail.com", "googlemail.com", "example.com", "mail.example.co.uk")
COUNTRIES = ("DE", "GB", "US", "FR", "PL", "CH", "NL")


def library(tool: str, lines: Iterable[Any]) -> list[Any]:
    """What a tool of `tools/destinations` answers; without its environment, the test is skipped, in CI it fails."""
    if not PYTHON.exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("an environment is missing: `make destination-tools`")
    run = subprocess.run(
        [str(PYTHON), str(ROOT / "tools" / "destinations" / f"{tool}.py")],
        input="".join(json.dumps(line) + "\n" for line in lines),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


def people(count: int, seed: int = 7) -> Iterator[dict[str, str]]:
    """People as systems write them down. `e164` is the telephone number that is meant."""
    chance = random.Random(seed)
    examples = {country: phonenumbers.example_number(country) for country in COUNTRIES}
    for number in range(count):
        country = chance.choice(COUNTRIES)
        example = examples[country]
        assert example is not None
        digits = str(example.national_number)
        national = digits[:-4] + str(chance.randrange(10_000)).zfill(4)
        local = f"{chance.choice(['ann', 'Ann.Lee', 'a.n.n', 'ANN_LEE', 'o-neil'])}{number}"
        tag = chance.choice(["", "+shop", "+a.b"])
        trunk = phonenumbers.ndd_prefix_for_region(country, True) or ""
        grouped = f"({national[:2]}) {national[2:5]}-{national[5:]}"
        yield {
            "email": chance.choice(["", " "])
            + f"{local}{tag}@{chance.choice(DOMAINS)}".swapcase()
            + chance.choice(["", "\n"]),
            "e164": f"+{example.country_code}{national}",
            "phone": chance.choice(
                [
                    f"+{example.country_code}{national}",
                    f" +{example.country_code} {grouped}",
                    f"00{example.country_code} {national}",
                    f"{trunk}{national}",
                ]
            ),
            "given_name": chance.choice(GIVEN_NAMES) + chance.choice(["", " "]),
            "family_name": chance.choice(FAMILY_NAMES).upper(),
            "city": chance.choice(CITIES),
            "postal_code": chance.choice(POSTAL_CODES),
            "country": chance.choice([country, country.lower()]),
        }
