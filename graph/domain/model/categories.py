"""Categories as paths: `Clothing > Women > Dresses` is a dress, a piece for women and clothing.

The notation is that of the `product_type` of Google Merchant. A plain name is a path of one level.
"""

import re
from collections.abc import Iterable

SEPARATOR = " > "
_SEPARATOR = re.compile(r"(?<=\S)\s*>\s*(?=\S)")


def category_path(text: str) -> str:
    """Return a category with its levels separated by ` > `, however many blanks it was written with.

    A `>` at the beginning or the end separates nothing and stays.
    """
    return _SEPARATOR.sub(SEPARATOR, text.strip()) if ">" in text else text


def category_paths(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the paths of categories, each once, in their order."""
    return tuple(dict.fromkeys(map(category_path, texts)))


def with_ancestors(paths: Iterable[str]) -> set[str]:
    """Return paths together with the path of each level above them."""
    found = set(paths)
    for path in tuple(found):
        while SEPARATOR in path:
            path = path.rpartition(SEPARATOR)[0]
            found.add(path)
    return found
