"""The audit log: who accessed whose data, when and why."""
