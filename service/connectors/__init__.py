"""Data of other systems in: unpack what they send, prove who sent it, map it to statements, record those."""
