"""Convert CDNOW_master.txt (customer, date, CDs, dollars) to orders: python convert.py CDNOW_master.txt OUT.ndjson."""

import json
import sys
from pathlib import Path


def order(number: int, line: str) -> dict[str, object]:
    """Convert a purchase to an order. The file has days only, so every order is placed at noon."""
    customer, date, count, dollars = line.split()
    placed = f"{date[:4]}-{date[4:6]}-{date[6:]}T12:00:00Z"
    return {
        "source": "cdnow",
        "number": f"cdnow/{number:05}",
        "placedAt": placed,
        "reportedAt": placed,
        "currency": "USD",
        "total": dollars,
        "status": "paid",
        "identifiers": [{"namespace": "crm_id", "value": customer}],
        "lines": [{"sku": "cd", "quantity": count, "total": dollars}],
    }


def main() -> None:
    """Read the first file, write the second."""
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    with source.open(encoding="ascii") as lines, target.open("w", encoding="utf-8") as out:
        next(lines)  # the header
        for number, line in enumerate(lines, 1):
            out.write(json.dumps(order(number, line)) + "\n")


if __name__ == "__main__":
    main()
