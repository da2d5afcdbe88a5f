"""What the store holds as tables for analysis: their columns, which are a contract, and their rows."""
