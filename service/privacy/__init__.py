"""What surrounds erasure: its keys, the ledger outside the store, and signed receipts."""
