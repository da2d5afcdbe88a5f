"""Where the values of a statement come from: paths into a record, constants, and named steps.

A path is the names of keys with dots between them, `0` for the first of a list, `*` for all of its entries; a dot in a
name is written `\\.`. `@name` is a value that came beside the record: a header, a parameter of the URL, the source.
`^` leads from an entry of a list back to the whole record.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import reduce
from operator import add, mul, sub
from typing import Any, NamedTuple

from service.connectors.amounts import amount
from service.connectors.generated import at_path, first_present
from service.connectors.steps import step


class Scope(NamedTuple):
    """What a path is read in: a record, what came beside it, and the record that an entry of a list belongs to."""

    record: Any
    beside: Mapping[str, Any]
    root: Any


Getter = Callable[[Scope], Any]
"""Reads a value; `None` if it is missing."""

MISSING: tuple[Any, ...] = (None, "", [], {})
"""Values that count as missing."""
_DOT = re.compile(r"(?<!\\)\.")
_KEYS = {
    "path", "value", "steps", "map", "default", "join", "separator", "list", "each", "fields", "prefix", "multiply",
    "add", "subtract", "sum"}  # fmt: skip


_OPERATIONS: Mapping[str, Callable[[Decimal, Decimal], Decimal]] = {"multiply": mul, "add": add, "subtract": sub}
_WAYS = ("path", "value", "join", "list", "each", "sum", *_OPERATIONS)


class Value(NamedTuple):
    """A compiled value: how it is read, and the paths that it reads.

    `plain` are the names of the same paths, if the value is the first of them that is there, and they are names only.
    """

    get: Getter
    paths: tuple[str, ...]
    plain: tuple[tuple[str, ...], ...] = ()


class ValueProblem(ValueError):
    """A value of a mapping that cannot be compiled; `keys` lead to it."""

    def __init__(self, message: str, *keys: str) -> None:
        super().__init__(message)
        self.keys = keys


class StepFailed(ValueError):
    """A value of a record that a step does not accept."""

    def __init__(self, path: str, value: Any, reason: str) -> None:
        shown = str(value)[:60] if not isinstance(value, list | dict) else "a list or an object"
        super().__init__(f"{path}: {shown!r} {reason}")
        self.path = path


def names_of(path: str) -> list[str]:
    """Return the names of a path."""
    return [name.replace("\\.", ".") for name in _DOT.split(path)]


def _walk(value: Any, names: Sequence[str]) -> Any:
    for position, name in enumerate(names):
        if type(value) is dict:
            value = value.get(name)
        elif type(value) is list:
            if name == "*":
                rest = names[position + 1 :]
                found = [_walk(entry, rest) for entry in value]
                return [entry for entry in found if entry is not None] or None
            value = value[int(name)] if name.isdecimal() and int(name) < len(value) else None
        else:
            return None
    return value


def path(text: str) -> Getter:
    """Compile a path. Raises `ValueProblem` if it is empty."""
    if text == ".":
        return lambda scope: scope.record
    if text in ("", "^") or text.endswith("."):
        raise ValueProblem(f"{text!r} is not a path")
    if text.startswith("@"):
        name = text[1:].lower()
        return lambda scope: scope.beside.get(name)
    if text.startswith("^."):
        names = names_of(text[2:])
        return lambda scope: _walk(scope.root, names)
    names = names_of(text)
    if _is_plain(names):
        return at_path(tuple(names))
    return lambda scope: _walk(scope.record, names)


def _is_plain(names: Sequence[str]) -> bool:
    return not any(name == "*" or name.isdecimal() for name in names)


def compile_value(spec: Any) -> Value:
    """Compile a value of a mapping: a path, a list of paths, or a table. Raises `ValueProblem`."""
    if isinstance(spec, str):
        return _at_path(spec)
    if isinstance(spec, list):
        if not spec:
            raise ValueProblem("is an empty list; it needs at least one path")
        values = [compile_value(part) for part in spec]
        if all(value.plain for value in values):
            plain = tuple(names for value in values for names in value.plain)
            return Value(first_present(plain, MISSING), tuple(p for value in values for p in value.paths), plain)
        return Value(_first_of([value.get for value in values]), tuple(p for value in values for p in value.paths))
    if not isinstance(spec, Mapping):
        raise ValueProblem(f"{spec!r} is neither a path, a list of paths nor a table; a constant is {{ value = … }}")
    if unknown := sorted(spec.keys() - _KEYS):
        raise ValueProblem(f"is not a key of a value; there are {', '.join(sorted(_KEYS))}", unknown[0])
    return _compile_table(spec)


def _compile_table(spec: Mapping[str, Any]) -> Value:
    ways = [key for key in _WAYS if key in spec]
    if len(ways) != 1:
        raise ValueProblem(f"needs one of {', '.join(_WAYS)}, and has {' and '.join(ways) or 'none'}")
    match ways[0]:
        case "value":
            constant = spec["value"]
            read = Value(lambda scope: constant, ())
        case "path":
            read = compile_value(spec["path"])
        case "join":
            read = _joined(spec["join"], str(spec.get("separator", "-")))
        case "list":
            read = _listed(spec["list"])
        case "each":
            read = _each(spec)
        case "sum":
            read = _summed(compile_value(spec["sum"]))
        case way:
            read = _computed(way, spec[way])
    get, shown = read.get, " or ".join(read.paths) or ways[0]
    if names := spec.get("steps"):
        get = _stepped(get, shown, [names] if isinstance(names, str) else names)
    if "map" in spec:
        get = _mapped(get, shown, spec["map"])
    if prefix := spec.get("prefix"):
        get = _prefixed(get, str(prefix))
    if "default" in spec:
        get = _defaulted(get, spec["default"])
    return Value(get, read.paths)


def _at_path(text: str) -> Value:
    get, names = path(text), tuple(names_of(text))
    if text[0] not in "@^." and _is_plain(names):
        return Value(first_present([names], MISSING), (text,), (names,))
    return Value(lambda scope: None if (value := get(scope)) in MISSING else value, (text,))


def _first_of(getters: Sequence[Getter]) -> Getter:
    def first(scope: Scope) -> Any:
        for get in getters:
            if (value := get(scope)) is not None:
                return value
        return None

    return first


def _stepped(get: Getter, shown: str, names: Sequence[str]) -> Getter:
    try:
        steps = [step(name) for name in names]
    except ValueError as error:
        raise ValueProblem(str(error), "steps") from None

    def stepped(scope: Scope) -> Any:
        value = sent = get(scope)
        for apply in steps:
            if value is None:
                return None
            try:
                value = apply(value)
            except ValueError as error:
                raise StepFailed(shown, sent, str(error)) from None
        return value if value or value not in MISSING else None

    return stepped


def _mapped(get: Getter, shown: str, table: Any) -> Getter:
    if not isinstance(table, Mapping):
        raise ValueProblem("must be a table from values to values", "map")
    folded = {str(name).casefold(): value for name, value in table.items()}
    other = folded.pop("*", ...)

    def one(value: Any) -> Any:
        key = "true" if value is True else "false" if value is False else str(value).casefold()
        result = folded.get(key, other)
        if result is ...:
            raise StepFailed(shown, value, f"is not one of {', '.join(map(str, table))}")
        return value if result == "=" else None if result == "" else result

    def mapped(scope: Scope) -> Any:
        value = get(scope)
        if isinstance(value, list):
            return [result for part in value if (result := one(part)) is not None] or None
        return None if value is None else one(value)

    return mapped


def _prefixed(get: Getter, prefix: str) -> Getter:
    name = prefix[1:].lower() if prefix.startswith("@") else None

    def prefixed(scope: Scope) -> Any:
        value = get(scope)
        text = prefix if name is None else scope.beside.get(name, "")
        if isinstance(value, list):
            return [f"{text}{part}" for part in value]
        return None if value is None else f"{text}{value}"

    return prefixed


def _defaulted(get: Getter, default: Any) -> Getter:
    def defaulted(scope: Scope) -> Any:
        value = get(scope)
        return default if value is None else value

    return defaulted


def _joined(specs: Any, separator: str) -> Value:
    if not isinstance(specs, list) or len(specs) < 2:
        raise ValueProblem("must be a list of at least two values", "join")
    values = [compile_value(spec) for spec in specs]

    def joined(scope: Scope) -> Any:
        parts = [value.get(scope) for value in values]
        return None if None in parts else separator.join(map(str, parts))

    return Value(joined, tuple(p for value in values for p in value.paths))


def _listed(specs: Any) -> Value:
    if not isinstance(specs, list) or not specs:
        raise ValueProblem("must be a list of values", "list")
    values = [compile_value(spec) for spec in specs]

    def listed(scope: Scope) -> Any:
        found: list[Any] = []
        for value in values:
            part = value.get(scope)
            if part is not None:
                found += part if isinstance(part, list) else [part]
        return found or None

    return Value(listed, tuple(p for value in values for p in value.paths))


def _summed(value: Value) -> Value:
    def summed(scope: Scope) -> Any:
        found = value.get(scope)
        if found is None:
            return None
        parts = found if isinstance(found, list) else [found]
        return format(sum(_amounts(parts, " and ".join(value.paths)), Decimal(0)), "f")

    return Value(summed, value.paths)


def _computed(way: str, specs: Any) -> Value:
    """Amounts of a record combined, such as a price and a quantity: what is missing is left out of sums, only."""
    if not isinstance(specs, list) or len(specs) < 2:
        raise ValueProblem("must be a list of at least two values", way)
    values = [compile_value(spec) for spec in specs]
    shown = " and ".join(value.paths[0] if value.paths else "a constant" for value in values)
    operation = _OPERATIONS[way]

    def computed(scope: Scope) -> Any:
        parts = [value.get(scope) for value in values]
        if parts[0] is None or (way == "multiply" and None in parts):
            return None
        return format(reduce(operation, _amounts(parts, shown)), "f")

    return Value(computed, tuple(p for value in values for p in value.paths))


def _amounts(parts: Sequence[Any], shown: str) -> list[Decimal]:
    try:
        return [amount(repr(part) if isinstance(part, float) else str(part)) for part in parts if part is not None]
    except ValueError:
        raise StepFailed(shown, parts, "cannot be computed with: one of them is not a number") from None


def _each(spec: Mapping[str, Any]) -> Value:
    entries = path(spec["each"])
    fields = spec.get("fields")
    if not isinstance(fields, Mapping) or not fields:
        raise ValueProblem("needs a table `fields` with the values of each entry", "each")
    compiled: dict[str, Value] = {}
    for name, field in fields.items():
        try:
            compiled[name] = compile_value(field)
        except ValueProblem as problem:
            raise ValueProblem(str(problem), "fields", name, *problem.keys) from None

    def each(scope: Scope) -> Any:
        found = entries(scope)
        listed = found if isinstance(found, list) else [] if found is None else [found]
        results = []
        for entry in listed:
            inner = Scope(entry, scope.beside, scope.root)
            values = ((name, value.get(inner)) for name, value in compiled.items())
            results.append({name: value for name, value in values if value is not None})
        return results or None

    here = "" if spec["each"] == "." else f"{spec['each']}.*."
    paths = [spec["each"]] if here else []
    for value in compiled.values():
        paths += [p if p[0] in "@^" else f"{here}{p}" for p in value.paths]
    return Value(each, tuple(paths))
