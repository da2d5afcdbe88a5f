"""Values as JSON text, written the same way every time: what is kept, and what is compared."""

import json
from collections.abc import Callable
from typing import Any

compact: Callable[[Any], str] = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""Without blanks; the keys of objects in the order in which they stand."""
ordered: Callable[[Any], str] = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode
"""Without blanks, the keys of objects sorted."""
