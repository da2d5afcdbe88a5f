"""The generated tables of docs/reference, written from the code: `make reference`.

    python -m tools.docs.reference

A table is between the lines `<!-- generated: NAME -->` and `<!-- end -->` of a page. `tests/quality/test_docs.py`
compares each page with what this module would write.
"""

import ast
import csv
import inspect
import io
import json
import re
import types
import typing
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from graph.domain.access.roles import BUILT_IN
from graph.domain.access.scopes import ANY, DESCRIPTIONS
from graph.domain.export.document import SubjectDocument
from graph.domain.model.interaction_types import INTERACTION_PROPERTIES, INTERACTION_TYPES, InteractionType
from graph.domain.model.rules import STRONGER
from graph.domain.tables import columns
from graph.domain.tables.columns import Column, ColumnType, Table
from schema.execution import costs, limits
from schema.shared.problem_codes import CODES
from service.cli.main import app
from service.config import rules_file
from service.config.destinations_file import DestinationSettings
from service.config.settings import Settings
from service.destinations.types import TYPES
from service.export.formats import DECIMALS, DIGITS

PAGES = Path(__file__).parents[2] / "docs" / "reference"
SUBJECT_EXPORT_SCHEMA = "subject-export.schema.json"
_BLOCK = re.compile(r"(<!-- generated: (?P<name>[a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table. A cell is one line, whatever paragraphs its text has, and a vertical bar in it is escaped."""
    names = list(header)
    lines = [
        names,
        ["---"] * len(names),
        *([" ".join(cell.split()).replace("|", "\\|") for cell in row] for row in rows),
    ]
    return "".join(f"| {' | '.join(cells)} |\n".replace("|  |", "| |").replace("|  |", "| |") for cells in lines)


def _code(value: object) -> str:
    return f"`{value}`"


def default_of(field: FieldInfo) -> str:
    """The default of a setting as one writes it into the environment; empty if there is none."""
    default = field.default
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    if isinstance(default, bool):
        return str(default).lower()
    return "" if default is None else f"{default:g}" if isinstance(default, float) else str(default)


def _allowed(field: FieldInfo) -> str:
    """The values that a setting allows, if its type restricts them."""
    kind: Any = field.annotation
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        kind = next(option for option in typing.get_args(kind) if option is not types.NoneType)
    if typing.get_origin(kind) is Annotated:
        kind = typing.get_args(kind)[0]
    if typing.get_origin(kind) is typing.Literal:
        return ", ".join(map(_code, typing.get_args(kind)))
    if kind is bool:
        return "`true`, `false`"
    bounds: dict[str, Any] = {}
    for limit in field.metadata:
        match limit:
            case Ge(ge=bound):
                bounds["from"] = bound
            case Gt(gt=bound):
                bounds["above"] = bound
            case Le(le=bound):
                bounds["to"] = bound
            case Lt(lt=bound):
                bounds["below"] = bound
    if "from" in bounds and "to" in bounds:
        return f"{bounds['from']:,} to {bounds['to']:,}"
    return " and ".join(f"{word} {bound:,}" for word, bound in bounds.items())


def settings() -> str:
    """One row for each setting."""
    rows = (
        (
            _code(f"KITH_{name.upper()}"),
            _code(default) if (default := default_of(field)) else "",
            _allowed(field),
            field.description or "",
        )
        # Those that the class inherits come last.
        for name, field in sorted(
            Settings.model_fields.items(), key=lambda item: item[0] not in vars(Settings)["__annotations__"]
        )
    )
    return _table(("variable", "default", "values", "meaning"), rows)


def commands(group: object = None, prefix: str = "kith") -> Iterable[tuple[str, TyperCommand]]:
    """The full name and the definition of each command of `kith`, those of groups too."""
    root = typer.main.get_command(app) if group is None else group
    assert isinstance(root, TyperGroup)
    for name, command in root.commands.items():
        if isinstance(command, TyperCommand):
            yield f"{prefix} {name}", command
        else:
            yield from commands(command, f"{prefix} {name}")


def _usage(name: str, command: TyperCommand) -> str:
    words = []
    for argument in command.params:
        if isinstance(argument, TyperArgument):
            word = argument.metavar or argument.name.upper()
            words.append(word if argument.nargs == 1 else f"{word.removesuffix('S')}…")
    return " ".join([name, *words])


def cli() -> str:
    """One row for each command, then one for each option with the commands that have it."""
    owners: dict[tuple[str, str], list[str]] = {}
    everywhere = ("kith", typer.main.get_command(app).params)
    for name, parameters in [everywhere, *((name, command.params) for name, command in commands())]:
        for parameter in parameters:
            if isinstance(parameter, TyperOption):
                owners.setdefault((parameter.opts[0], parameter.help or ""), []).append(name)
    usages = ((_code(_usage(name, command)), command.help or "") for name, command in commands())
    options = (
        (_code(option), ", ".join(_code(name.removeprefix("kith ")) for name in names), meaning)
        for (option, meaning), names in owners.items()
    )
    return f"{_table(('command', 'what it does'), usages)}\n{_table(('option', 'of', 'meaning'), options)}"


def problem_codes() -> str:
    """One row for each code of a problem."""
    return _table(("code", "what is wrong"), ((_code(code), meaning) for code, meaning in CODES.items()))


def interaction_types() -> str:
    """One row for each interaction type that Kith knows."""
    rows = (
        (_code(name), known.description, ", ".join(map(_code, known.properties)), _use_of(known))
        for name, known in INTERACTION_TYPES.items()
    )
    return _table(("type", "what happened", "properties", "used for"), rows)


def _use_of(known: InteractionType) -> str:
    return "; ".join(filter(None, [known.used_for, "not an activity in the journey" if known.outbound else ""]))


def interaction_properties() -> str:
    """One row for each property of interactions that sources name alike."""
    return _table(
        ("property", "what it contains"), ((_code(name), text) for name, text in INTERACTION_PROPERTIES.items())
    )


def limit_settings() -> dict[str, str]:
    """The name of each number of `Limits`, and the setting that it is taken from."""
    defaults = limits.Limits()
    found = {}
    for name, field in Settings.model_fields.items():
        if field.annotation not in (int, float):
            continue
        changed = Settings.model_construct(None, **{name: -1}).limits
        for limit in changed.__struct_fields__:
            if getattr(changed, limit) == -1 != getattr(defaults, limit):
                found[limit] = name
    return found


def _documented(struct: type) -> dict[str, str]:
    """The docstrings below the fields of a class."""
    (body,) = (node.body for node in ast.parse(inspect.getsource(struct)).body if isinstance(node, ast.ClassDef))
    texts = {}
    for field, text in pairwise(body):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(words))):
                texts[name] = " ".join(words.split())
    return texts


def request_limits() -> str:
    """One row for each limit of a request that a setting changes."""
    texts, defaults = _documented(limits.Limits), limits.Limits()
    rows = (
        (texts[limit], f"{getattr(defaults, limit):,g}", _code(f"KITH_{name.upper()}"))
        for limit, name in limit_settings().items()
    )
    return _table(("what", "default", "setting"), rows)


def cost_weights() -> str:
    """The fields that cost more than they return, and the lists whose size is assumed."""
    weights = sorted(costs.WEIGHTS.items(), key=lambda item: (item[1], item[0]))
    sizes = costs.LIST_SIZES.items()
    first = _table(("field", "additional cost"), ((_code(field), f"{weight:,}") for field, weight in weights))
    return f"{first}\n{_table(('list', 'assumed size'), ((_code(field), str(size)) for field, size in sizes))}"


def _shared_above(counts: Mapping[str, int]) -> str:
    """The numbers of neighbors above which an identifier is shared."""
    return ", ".join(f"{most} {_code(name) if name != STRONGER else STRONGER}" for name, most in counts.items())


def default_namespaces() -> str:
    """One row for each namespace of the default rules, strongest first."""
    rows = (
        (
            _code(rule.name),
            "" if rule.limit is None else str(rule.limit),
            ", ".join(map(_code, rule.normalize)),
            "" if rule.min_length == 1 else str(rule.min_length),
            _shared_above(rule.shared_above),
            "yes" if rule.known else "",
            rule.proof.value,
        )
        for rule in rules_file.parse(rules_file.default_text()).namespaces
    )
    columns = ("namespace", "`limit`", "`normalize`", "`min_length`", "`shared_above`", "`known`", "`proves`")
    return _table(columns, rows)


def roles() -> str:
    """One row for each role."""
    rows = (
        (
            _code(role.name),
            role.description,
            _code(role.reach.name),
            role.party.name,
            "yes" if role.needs_sources else "",
        )
        for role in BUILT_IN
    )
    return _table(("role", "who", "reach", "nearest party it may state", "names its sources"), rows)


def scopes() -> str:
    """One row for each scope, with the roles that have it."""

    def holders(scope: str) -> str:
        return ", ".join(
            _code(role.name) + (" with a reason" if scope in role.scopes_with_reason else "")
            for role in BUILT_IN
            if scope in role.scopes | role.scopes_with_reason
        )

    rows = (
        (_code(scope), meaning, "all" if scope == ANY else holders(scope)) for scope, meaning in DESCRIPTIONS.items()
    )
    return _table(("scope", "what it allows", "roles"), rows)


def subject_export_schema() -> str:
    """The JSON Schema of the document that an export is."""
    schema = msgspec.json.schema(SubjectDocument)
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2) + "\n"


def subject_export() -> str:
    """One row for each part of the document that an export is."""
    parts = msgspec.json.schema_components([SubjectDocument])[1]
    rows = ((name, ", ".join(map(_code, part["properties"])), part["description"]) for name, part in parts.items())
    return _table(("part", "fields", "what it is"), rows)


def destination(settings: type[BaseModel], inherited: Collection[str] = ()) -> str:
    """One row for each key of a table of destinations.toml; those in `inherited` are on another table."""
    return _table(("key", "default", "values", "meaning"), _keys(settings, inherited))


def _keys(settings: type[BaseModel], inherited: Collection[str] = (), prefix: str = "") -> Iterable[tuple[str, ...]]:
    """The rows of a table of destinations.toml, with those of the tables within it."""
    for name, field in settings.model_fields.items():
        if name in inherited:
            continue
        yield (
            _code(prefix + name),
            "required" if field.is_required() else _toml(field.get_default(call_default_factory=True)),
            "`env:NAME`, `file:PATH`" if _is_secret(field.annotation) else _allowed(field),
            field.description or "",
        )
        for inner in _tables(field.annotation):
            yield from _keys(inner, prefix=f"{prefix}{name}.")


def _tables(kind: Any) -> Iterable[type[BaseModel]]:
    """The tables that a type holds."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    for part in typing.get_args(kind):
        yield from _tables(part)


def _is_secret(kind: Any) -> bool:
    """Whether a type is that of a secret, of a list of secrets, or of a secret that may be missing."""
    return kind is SecretStr or any(map(_is_secret, typing.get_args(kind)))


def _toml(value: object) -> str:
    """A default as one writes it into a file; empty if there is none."""
    if isinstance(value, dict) and value:
        return _code("{" + ", ".join(f"{key} = {json.dumps(item)}" for key, item in value.items()) + "}")
    return "" if value in (None, "", [], {}) else _code(json.dumps(value))


def export_tables() -> str:
    """One row for each table that `kith export` writes."""
    rows = (
        (
            f"[{table.name}](#{table.name})",
            table.description,
            _code(table.scope),
            "" if table.label is None else _code(table.label.value),
            _code(table.view) if table.view else "",
        )
        for table in columns.TABLES.values()
    )
    return _table(("table", "rows", "scope", "label", "view"), rows)


def export_columns(table: Table) -> str:
    """One row for each column of a table."""

    def meaning(column: Column) -> str:
        needs = f" Null without the scope {_code(column.scope)}." if column.scope else ""
        return column.description + needs

    rows = (
        (
            _code(column.name),
            column.type.value + (", key" if column is table.key else ""),
            "yes" if column.nullable else "",
            meaning(column),
            column.source,
            "yes" if table.view and column.in_view else "",
        )
        for column in table.columns
    )
    return _table(("column", "type", "null", "meaning", "source", "in the view"), rows)


def export_types() -> str:
    """One row for each type of a column, with how each format writes it."""
    decimal, time = f"`decimal128({DIGITS}, {DECIMALS})`", "`2026-03-01T12:00:00.000000Z`"
    written = {
        ColumnType.TEXT: ("`string`", "text", "text"),
        ColumnType.INTEGER: ("`int64`", "digits", "number"),
        ColumnType.FLOAT: ("`double`", "number", "number"),
        ColumnType.DECIMAL: (decimal, "digits", "text, so that no reader rounds it"),
        ColumnType.BOOLEAN: ("`bool`", "`true`, `false`", "`true`, `false`"),
        ColumnType.TIME: ("`timestamp[us, tz=UTC]`", time, time),
        ColumnType.TEXTS: ("`list<string>`", "a JSON array", "array"),
        ColumnType.JSON: ("`string`, a JSON text", "a JSON text", "the value itself"),
    }
    rows = ((type.value, *written[type]) for type in ColumnType)
    return _table(("type", "Parquet", "CSV", "NDJSON"), rows)


def released_columns() -> str:
    """The columns of exports as they are compared with after a release: CSV with a line for each."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(("schema_version", "table", "column", "type", "nullable", "key"))
    for table in columns.TABLES.values():
        for column in table.columns:
            flags = ("yes" if column.nullable else "", "yes" if column is table.key else "")
            lines.writerow((columns.SCHEMA_VERSION, table.name, column.name, column.type.value, *flags))
    return text.getvalue()


TABLES: dict[str, Callable[[], str]] = {
    "settings": settings,
    "cli": cli,
    "problem-codes": problem_codes,
    "interaction-types": interaction_types,
    "interaction-properties": interaction_properties,
    "limits": request_limits,
    "costs": cost_weights,
    "default-namespaces": default_namespaces,
    "roles": roles,
    "scopes": scopes,
    "subject-export": subject_export,
    "destination": partial(destination, DestinationSettings),
    **{
        f"destination-{name}": partial(destination, type.settings, inherited=set(DestinationSettings.model_fields))
        for name, type in TYPES.items()
    },
    "export-tables": export_tables,
    "export-types": export_types,
    **{f"export-{name.replace('_', '-')}": partial(export_columns, table) for name, table in columns.TABLES.items()},
}
"""The generated tables by name."""


def render(page: str) -> str:
    """A page with its tables as they should be."""
    return _BLOCK.sub(lambda block: f"{block[1]}\n{TABLES[block['name']]()}\n{block[3]}", page)


def names(page: str) -> list[str]:
    """The names of a page's tables."""
    return [block["name"] for block in _BLOCK.finditer(page)]


def main() -> None:
    """Write the tables of all pages, and the JSON Schema of exports."""
    for path in sorted(PAGES.glob("*.md")):
        page = path.read_text(encoding="utf-8")
        if (rendered := render(page)) != page:
            path.write_text(rendered, encoding="utf-8")
            print(f"wrote {path.relative_to(PAGES.parents[1])}")
    (PAGES / SUBJECT_EXPORT_SCHEMA).write_text(subject_export_schema(), encoding="utf-8")


if __name__ == "__main__":
    main()
