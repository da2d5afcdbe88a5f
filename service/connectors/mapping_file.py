"""Read mappings from TOML: docs/reference/mappings.md describes every key."""

import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from graph.domain.model.errors import InvalidInput
from service.connectors.generated import all_present
from service.connectors.mapping import (
    KINDS,
    MERGE,
    PRODUCT,
    WITHOUT_IDENTIFIERS,
    Fits,
    RecordMapping,
    StatementMapping,
)
from service.connectors.merges import FIELDS as MERGE_FIELDS
from service.connectors.proofs import DEFAULT_PROOF, PROOF_KEYS, PROOFS, SIGNED_PARTS
from service.connectors.toml_lines import line_of
from service.connectors.unpack import FORMATS
from service.connectors.values import MISSING, Getter, Scope, Value, ValueProblem, compile_value, path
from service.ingest.record_fields import unknown
from service.ingest.record_kinds import (
    ATTRIBUTES,
    CONSENT,
    EXTERNAL_SEGMENT,
    INTERACTION,
    OBSERVATION,
    ORDER,
    RecordKind,
)
from service.ingest.record_kinds import PRODUCT as PRODUCT_KIND

SHIPPED = Path(__file__).with_name("mappings")
"""The mappings that come with Kith."""
_RECORD_KINDS = (OBSERVATION, ATTRIBUTES, CONSENT, INTERACTION, EXTERNAL_SEGMENT, ORDER, PRODUCT_KIND)
_KINDS: Mapping[str, RecordKind] = dict(zip(KINDS, _RECORD_KINDS, strict=False))
"""The kinds that are kinds of records of files, too: all but a merge."""
_TOP = (
    "title", "source", "format", "records", "id", "at", "sent_at", "party", "proof", "answers_get", "statement",
    "ignore", "ping", "group_by",
)  # fmt: skip
_STATEMENT = (
    "kind", "when", "unless", "each", "label", "id", "at", "party", "needs", "fields", "identifiers", "attributes",
    "properties", "all_properties",
)  # fmt: skip
_NOT_FIELDS = {"source", "party", "identifiers", "attributes", "properties", "id", "country"}
_PARTIES = ("first_party", "second_party", "third_party")


class _Place(ValueError):
    """What is wrong in a file, and the keys that lead to it."""

    def __init__(self, message: str, *keys: str | int) -> None:
        super().__init__(message)
        self.keys = keys


def shipped_names() -> list[str]:
    """Return the names of the mappings that come with Kith."""
    return sorted(file.stem for file in SHIPPED.glob("*.toml"))


@lru_cache(maxsize=100)
def shipped(name: str) -> RecordMapping:
    """Return a mapping that comes with Kith. Raises `InvalidInput` that lists the names if there is none."""
    file = SHIPPED / f"{name}.toml"
    if "/" in name or not file.is_file():
        raise InvalidInput("UNKNOWN_MAPPING", f"{name!r} is not a mapping; there are {', '.join(shipped_names())}")
    return read(file)


def named(name: str) -> RecordMapping:
    """Return the mapping that comes with Kith under a name, or that of a file, whose name ends in .toml."""
    return read(Path(name)) if name.endswith(".toml") else shipped(name)


def read(file: Path) -> RecordMapping:
    """Read a file. Raises `InvalidInput` that names the file, the line, the key and what is allowed."""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput("INVALID_MAPPING", f"{file} cannot be read: {error}") from error
    return parse(text, file.stem, str(file))


def parse(text: str, name: str, shown: str = "") -> RecordMapping:
    """Parse a TOML text. `shown` is the name of the file in messages. Raises `InvalidInput`."""
    shown = shown or f"{name}.toml"
    try:
        return _mapping(tomllib.loads(text), name)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput("INVALID_MAPPING", f"{shown}: {error}") from error
    except _Place as error:
        line = line_of(text, error.keys)
        key = ".".join(str(key + 1) if isinstance(key, int) else key for key in error.keys)
        place = f"{shown}, line {line}: {key}" if line else f"{shown}: {key}" if key else shown
        raise InvalidInput("INVALID_MAPPING", f"{place}: {error}") from error


def _mapping(table: Mapping[str, Any], name: str) -> RecordMapping:
    _check_keys(table, _TOP, "a mapping")
    format = _choice(table, "format", FORMATS, "json")
    proof = table.get("proof", {})
    if not isinstance(proof, Mapping):
        raise _Place("must be a table", "proof")
    _check_proof(proof)
    party = _choice(table, "party", _PARTIES, "first_party")
    id, at, sent_at, group_by = (
        _value(table[key], key) if key in table else None for key in ("id", "at", "sent_at", "group_by")
    )
    if not table.get("statement"):
        raise _Place("is missing: without any, no record becomes anything", "statement")
    statements = tuple(
        _statement(entry, position, id, at, party) for position, entry in enumerate(_tables(table, "statement"))
    )
    ignored = tuple(_fits(entry, ("ignore", position)) for position, entry in enumerate(_tables(table, "ignore")))
    paths = {p for value in (id, at, sent_at, group_by) if value is not None for p in value.paths}
    paths |= {p for statement in statements for found in statement.sources.values() for p in found}
    return RecordMapping(
        name,
        _text(table, "title") or name,
        format,
        statements,
        ignored,
        _records(table),
        sent_at,
        _text(table, "source"),
        proof,
        bool(table.get("answers_get", False)),
        frozenset(paths),
        id,
        _text(table, "ping"),
        group_by,
    )


def _records(table: Mapping[str, Any]) -> Getter | None:
    """Compile a value that is the list of records, or the paths of which the first that is there counts."""
    if "records" not in table:
        return None
    paths = table["records"]
    if isinstance(paths, Mapping):
        return _value(paths, "records").get
    try:
        getters = [path(text) for text in ([paths] if isinstance(paths, str) else paths)]
    except (ValueProblem, TypeError, AttributeError):
        raise _Place("must be a path, a list of paths or a table", "records") from None
    return lambda scope: next((found for get in getters if (found := get(scope)) is not None), None)


def _check_proof(proof: Mapping[str, Any]) -> None:
    """An option that is misspelled would be left out of a signature, so none is."""
    method = _choice(proof, "method", tuple(PROOFS), DEFAULT_PROOF, "proof")
    _check_keys(proof, ("method", *PROOF_KEYS.get(method, ())), f"the proof {method}", "proof")
    signed = proof.get("signed", "body")
    if isinstance(signed, list):
        if "signature" not in proof or "timestamp" not in proof or not signed:
            raise _Place(
                "is a list of paths in the body; then signature and timestamp are paths, too", "proof", "signed"
            )
    elif not isinstance(signed, str) or set(signed.split("+")) - set(SIGNED_PARTS):
        allowed = f"allowed are {', '.join(SIGNED_PARTS)} with + between, or a list of paths in the body"
        raise _Place(f"is {signed!r}; {allowed}", "proof", "signed")
    for key in ("signature", "timestamp"):
        if key in proof:
            _value(proof[key], "proof", key)


def _statement(
    entry: Mapping[str, Any], position: int, id: Value | None, at: Value | None, party: str
) -> StatementMapping:
    here: tuple[str | int, ...] = ("statement", position)
    _check_keys(entry, _STATEMENT, "a statement", *here)
    if "kind" not in entry:
        raise _Place(f"is missing; a kind is one of {', '.join(KINDS)}", *here, "kind")
    kind = _choice(entry, "kind", KINDS, "", *here)
    known = _fields_of(kind)
    fields: dict[str, Value] = {}
    for name, spec in _table(entry, "fields", here).items():
        if name not in known:
            raise _Place(
                unknown(name, _KINDS[kind].name if kind in _KINDS else "a merge", known), *here, "fields", name
            )
        fields[name] = _value(spec, *here, "fields", name)
    identifiers = [
        (namespace, _value(spec, *here, "identifiers", namespace))
        for namespace, spec in _table(entry, "identifiers", here).items()
    ]
    attributes = _values(entry, "attributes", here)
    properties = _values(entry, "properties", here)
    for name, kinds in (("attributes", ("attributes", PRODUCT)), ("properties", ("interaction",))):
        if entry.get(name) and kind not in kinds:
            allowed = " or ".join(kinds)
            raise _Place(f"belongs to a statement of the kind {allowed}; this one is of the kind {kind}", *here, name)
    if identifiers and kind in WITHOUT_IDENTIFIERS:
        why = "its fields name the ids" if kind == MERGE else "a product belongs to nobody"
        raise _Place(f"cannot be there: {why}", *here, "identifiers")
    wholes = entry.get("all_properties", [])
    whole_paths = [wholes] if isinstance(wholes, str) else wholes
    all_properties = [_value(spec, *here, "all_properties") for spec in whole_paths]
    each = _value(entry["each"], *here, "each") if "each" in entry else None
    own_id = _value(entry["id"], *here, "id") if "id" in entry else None
    own_at = _value(entry["at"], *here, "at") if "at" in entry else None
    sources = {name: value.paths for name, value in fields.items()}
    sources |= {f"identifiers.{namespace}": value.paths for namespace, value in identifiers}
    sources |= {f"attributes.{name}": value.paths for name, value in attributes.items()}
    sources |= {f"properties.{name}": value.paths for name, value in properties.items()}
    sources |= {"all_properties": tuple(f"{p}.*" if p != "." else "*" for value in all_properties for p in value.paths)}
    sources |= {"when": (*_table(entry, "when", here), *_table(entry, "unless", here))}
    sources |= {"own": tuple(p for value in (own_id, own_at) if value is not None for p in value.paths)}
    if each is not None:
        lists = each.paths or ("",)
        sources = {
            name: tuple(p if name == "when" or p[0] in "@^" else f"{lists[0]}.*.{p}" for p in paths)
            for name, paths in sources.items()
        }
        sources["each"] = each.paths
    label = _text(entry, "label", *here)
    return StatementMapping(
        kind,
        _fits(entry, here),
        each,
        f"/{label}" if label else "",
        own_id or (id if each is None else _of_root(id)),
        own_at or (at if each is None else _of_root(at)),
        _choice(entry, "party", _PARTIES, party, *here),
        fields,
        all_present(dict(identifiers), MISSING),
        all_present(attributes, MISSING),
        all_present(properties, MISSING),
        all_properties,
        sources,
        _needs(entry, identifiers, here),
        own_id is None,
    )


def _fields_of(kind: str) -> Sequence[str]:
    if kind == MERGE:
        return MERGE_FIELDS
    return [name for name in _KINDS[kind].fields if name not in _NOT_FIELDS]


def _needs(
    entry: Mapping[str, Any], identifiers: Sequence[tuple[str, Value]], here: Sequence[str | int]
) -> frozenset[str]:
    needs = entry.get("needs", [])
    known = [namespace for namespace, _ in identifiers]
    if not isinstance(needs, list) or not all(name in known for name in needs):
        raise _Place(f"must be a list of namespaces of the statement: {', '.join(known)}", *here, "needs")
    return frozenset(needs)


def _of_root(value: Value | None) -> Value | None:
    """A value of the record, read from an entry of one of its lists."""
    if value is None:
        return None
    get = value.get
    return Value(lambda scope: get(Scope(scope.root, scope.beside, scope.root)), value.paths)


def _fits(entry: Mapping[str, Any], here: Sequence[str | int]) -> Fits:
    """Compile `when` and `unless`: paths with the value, the values, or whether there is any."""
    wanted = [_test(p, allowed, (*here, "when", p)) for p, allowed in _table(entry, "when", here).items()]
    unwanted = [_test(p, allowed, (*here, "unless", p)) for p, allowed in _table(entry, "unless", here).items()]
    if len(wanted) == 1 and not unwanted:
        return wanted[0]

    def fits(scope: Scope) -> bool:
        for test in wanted:
            if not test(scope):
                return False
        for test in unwanted:  # noqa: SIM110 - a loop takes half the time
            if test(scope):
                return False
        return True

    return fits


def _test(text: str, allowed: Any, keys: Sequence[str | int]) -> Fits:
    try:
        get = path(text)
    except ValueProblem as problem:
        raise _Place(str(problem), *keys) from None
    if isinstance(allowed, bool):
        return lambda scope: (get(scope) not in (None, "", [], {})) is allowed
    if isinstance(allowed, Mapping) and set(allowed) == {"unlike"}:
        other = _value(allowed["unlike"], *keys).get
        return lambda scope: (get(scope) not in (None, "")) and get(scope) != other(scope)
    values = allowed if isinstance(allowed, list) else [allowed]
    if not values or not all(isinstance(value, str | int | float) for value in values):
        message = (
            "must be a text, a number, a list of them, true or false for whether it is there, or { unlike = PATH }"
        )
        raise _Place(message, *keys)
    accepted = frozenset(_comparable(value) for value in values)

    def test(scope: Scope) -> bool:
        value = get(scope)
        if type(value) is str:
            return value in accepted
        if isinstance(value, list):
            return any(_comparable(part) in accepted for part in value)
        return value is not None and _comparable(value) in accepted

    return test


def _comparable(value: Any) -> str:
    return value if type(value) is str else "true" if value is True else "false" if value is False else str(value)


def _values(entry: Mapping[str, Any], name: str, here: Sequence[str | int]) -> dict[str, Value]:
    return {key: _value(spec, *here, name, key) for key, spec in _table(entry, name, here).items()}


def _value(spec: Any, *keys: str | int) -> Value:
    try:
        return compile_value(spec)
    except ValueProblem as problem:
        raise _Place(str(problem), *keys, *problem.keys) from None


def _check_keys(table: Mapping[str, Any], known: Sequence[str], of: str, *keys: str | int) -> None:
    for key in table:
        if key not in known:
            raise _Place(unknown(key, of, known).replace("a field of", "a key of"), *keys, key)


def _choice(table: Mapping[str, Any], key: str, allowed: Sequence[str], default: str, *keys: str | int) -> str:
    value = table.get(key, default)
    if value not in allowed:
        raise _Place(f"is {value!r}; allowed are {', '.join(allowed)}", *keys, key)
    return str(value)


def _text(table: Mapping[str, Any], key: str, *keys: str | int) -> str:
    value = table.get(key, "")
    if not isinstance(value, str):
        raise _Place("must be a text", *keys, key)
    return value


def _table(entry: Mapping[str, Any], key: str, here: Sequence[str | int]) -> Mapping[str, Any]:
    value = entry.get(key, {})
    if not isinstance(value, Mapping):
        raise _Place("must be a table", *here, key)
    return value


def _tables(table: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
        raise _Place(f"must be tables [[{key}]]", key)
    return value
