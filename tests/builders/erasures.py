"""Keys, receipts and ledgers of erasures."""

from pathlib import Path
from typing import Any

from msgspec.structs import replace

from service.privacy.keys import ErasureKeys, KeyFile
from service.privacy.receipts import Receipt, ReceiptAcknowledgement, ReceiptKept, ReceiptTombstone
from tests.builders.audits import MONDAY

MINUTE = 60_000_000
"""In microseconds."""

RECEIPT = Receipt(
    erasure_id="era_1",
    request_id="ticket 4711",
    mode="ERASED",
    actor="officer",
    role="privacy",
    erased_at="2026-01-05T08:00:00Z",
    issued_at="2026-01-05T08:00:01Z",
    plan_hash="ab" * 32,
    customers=("cus_1", "cus_0"),
    counts={"observations": 6, "identifiers": 4},
    tombstones=(ReceiptTombstone("email", "cd" * 32, 1),),
    kept=(ReceiptKept("orders", "tax law", 1, "2036-01-01T00:00:00Z"),),
    acknowledgements=(ReceiptAcknowledgement("newsletter", "2026-01-05T08:05:00Z"),),
)


def receipt(**changes: Any) -> Receipt:
    """A receipt with some other members."""
    return replace(RECEIPT, **changes)


def key_file(folder: Path) -> tuple[KeyFile, ErasureKeys]:
    """A new key file, and its keys."""
    file = KeyFile(folder / "erasure-keys")
    return file, file.create(MONDAY)
