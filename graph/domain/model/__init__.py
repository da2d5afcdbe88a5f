"""The nouns of the domain as plain values. Imports no other package of the domain."""
