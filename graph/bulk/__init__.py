"""Resolution of a whole history at once: the resolution rule over arrays (NumPy, Numba), for the extra `kith[bulk]`.

An identifier is represented by a code, the position of its key among all keys by code point, so codes compare as keys
do. The result equals that of one commit of everything, which a property test checks.
"""
