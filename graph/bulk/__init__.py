"""A whole history at once: the rule of `domain` over arrays (numpy, Numba), for the extra `kith[bulk]`.

An identifier is a code, its place among all keys by code point; so codes compare as keys do. What comes out is equal to
one commit of everything, which a property test holds.
"""
