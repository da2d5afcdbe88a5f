"""Senzing's truth set, mapped to statements as a careful integrator would.

Dates become ISO dates: month first, as in the United States, unless there is no such month. Names of countries and
states become their codes, so that a passport of "US" and one of "USA" are of one country. Names and addresses that are
one text stay one text unless a comma separates family and given name.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from bench.records import NOW, Record
from graph.domain.model.dates import SECOND
from graph.domain.model.rules import with_country
from graph.domain.profile.attributes import Value

FOLDER = Path(__file__).parent / "truth" / "senzing"
FILES = ("customers", "reference", "watchlist")
FORMATS = ("%Y-%m-%d", "%m/%d/%Y", "%d/%m/%Y", "%m/%d/%y", "%d-%b-%y", "%b %d %Y")
CODES = {
    **{"usa": "US", "can": "CA", "canada": "CA", "germany": "DE", "hong kong": "HK", "china": "CN", "rus": "RU"},
    **{"singapore": "SG", "pakistan": "PK", "cambodia": "KH", "lichtenstein": "LI", "texas": "TX", "ohio": "OH"},
}
NUMBERS = {
    "passport": ("PASSPORT_NUMBER", "PASSPORT_COUNTRY"),
    "ssn": ("SSN_NUMBER", ""),
    "drivers_license": ("DRIVERS_LICENSE_NUMBER", "DRIVERS_LICENSE_STATE"),
    "national_id": ("NATIONAL_ID_NUMBER", "NATIONAL_ID_COUNTRY"),
    "tax_id": ("TAX_ID_NUMBER", "TAX_ID_COUNTRY"),
    "lei": ("LEI_NUMBER", ""),
    "email": ("EMAIL_ADDRESS", ""),
}
"""The columns of the identifiers: number, and country or state that issued it."""
ADDRESS = {"postal_code": "ADDR_POSTAL_CODE", "city": "ADDR_CITY", "region": "ADDR_STATE", "country": "ADDR_COUNTRY"}


def rows() -> Iterator[dict[str, str]]:
    """Yield the rows of all files, without empty cells."""
    for name in FILES:
        with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                yield {column: text.strip() for column, text in row.items() if text and text.strip()}


def records() -> list[Record]:
    """Return the records with their entities."""
    with (FOLDER / "actual_truthset_key.csv").open(encoding="utf-8", newline="") as file:
        entities = {(row["DATA_SOURCE"], row["RECORD_ID"]): row["CLUSTER_ID"] for row in csv.DictReader(file)}
    return [record(row, entities[row["DATA_SOURCE"], row["RECORD_ID"]]) for row in rows()]


def record(row: Mapping[str, str], entity: str) -> Record:
    """Map a row."""
    source = row["DATA_SOURCE"].lower()
    at = iso_date(row.get("DATE", ""))
    seconds = int(datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp()) if at else NOW // SECOND
    return Record(
        source,
        ("record", f"{source} {row['RECORD_ID']}"),
        entity,
        tuple(_identifiers(row)),
        dict(_attributes(row)),
        seconds,
    )


def iso_date(text: str) -> str | None:
    """Return a date as YYYY-MM-DD; a year of two digits is the last one that is not in the future."""
    for form in FORMATS:
        try:
            date = datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        if "%y" in form and date.timestamp() > NOW // SECOND:
            date = date.replace(year=date.year - 100)
        return date.date().isoformat()
    return None


def _code(text: str) -> str:
    return CODES.get(text.lower(), text)


def _identifiers(row: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for namespace, (number, issuer) in NUMBERS.items():
        if number in row:
            yield namespace, f"{_code(row.get(issuer, ''))} {row[number]}".strip()
    if phone := row.get("PHONE_NUMBER"):
        country = _code(row.get("ADDR_COUNTRY", ""))
        yield "phone", with_country(phone, country if len(country) == 2 else "")


def _attributes(row: Mapping[str, str]) -> Iterator[tuple[str, Value]]:
    family, given, full = row.get("PRIMARY_NAME_LAST"), row.get("PRIMARY_NAME_FIRST"), row.get("PRIMARY_NAME_FULL", "")
    if "," in full:
        family, given = (part.strip() for part in full.split(",", 1))
    if given:
        yield "given_name", given
    if family:
        yield "family_name", family
    if name := row.get("PRIMARY_NAME_ORG") or row.get("NATIVE_NAME_FULL") or (full if not family else ""):
        yield "name", name
    if date := iso_date(row.get("DATE_OF_BIRTH", "")):
        yield "birth_date", date
    if address := dict(_address(row)):
        yield "address", address


def _address(row: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if street := row.get("ADDR_LINE1") or row.get("ADDR_FULL"):
        yield "street", re.sub(r"\s+", " ", street)
    for part, column in ADDRESS.items():
        if column in row:
            yield part, _code(row[column]) if part in ("region", "country") else row[column]
