"""The nouns as plain values. Imports nothing else of the domain."""
