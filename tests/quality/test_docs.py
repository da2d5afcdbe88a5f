"""The documents are true: commands, settings, codes, links, examples and the schema."""

import os
import re
import subprocess
from pathlib import Path
from types import ModuleType

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType, parse, validate
from pydantic import BaseModel
from typer.testing import CliRunner

from graph.domain.model.rules import DroppedIdentifierCode
from schema.root import schema, sdl
from schema.shared.problem_codes import CODES
from service.access import access_file
from service.cli.main import app
from service.config import attributes_file, opendsr_file, retention_file, rules_file
from service.config.settings import Settings
from service.connectors.mapping_file import shipped_names
from service.http.responses import CODES as STATUS_CODES
from tests.builders.repository import ROOT, files, pages, text_of
from tools.docs import reference

REFERENCE = ROOT / "docs" / "reference"
COMMANDS = {name: name.removeprefix("kith ").split() for name, _ in reference.commands()}
MAX_README_BYTES = 6_000
COMMAND_LINE_CODES = {
    "INVALID_LINE",
    "INVALID_FIELD",
    "INVALID_FILE",
    "INVALID_MAPPING",
    "UNKNOWN_MAPPING",
    "FILE_EXISTS",
    "INVALID_SCHEMA",
    "INVALID_SETTING",
    "MISSING_EXTRA",
    "MISSING_JAVA",
    "BROKER_UNAVAILABLE",
    "DIFFERENT_FILES",
    "DIFFERENT_RELEASE",
    "DIFFERENT_STORE",
    "STORE_NOT_EMPTY",
    "BACKUP_REQUIRED",
    "INVALID_KEY",
    "KEY_NOT_FOUND",
    "TOO_MANY_KEYS",
}
"""Codes that only the command line reports, and no answer of the API."""
CONNECTOR_CODES = {"NOT_MAPPED", "INVALID_BODY", "UNSUPPORTED_ENCODING"}
"""Codes that answers to other systems have, and no answer of the API."""
BLOCKS = [
    pytest.param(block, id=f"{path.relative_to(ROOT)}-{position}")
    for path in pages()
    for position, block in enumerate(re.findall(r"```graphql\n(.*?)```", text_of(path), re.DOTALL), 1)
]


def anchor(heading: str) -> str:
    """The anchor that a heading has on GitHub and on the site."""
    plain = re.sub(r"\[([^]]*)]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def reference_page(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


def test_the_readme_fits_on_a_screen() -> None:
    assert len((ROOT / "README.md").read_bytes()) <= MAX_README_BYTES


def test_sentences_of_incidents_are_in_the_code() -> None:
    # given: the page quotes each sentence up to what varies
    page = text_of(ROOT / "docs" / "operations" / "incidents.md")
    tables = re.findall(r"^\| sentence .*\n\| --- .*\n((?:\|.*\n)+)", page, re.MULTILINE)
    cells = [row.split("|")[1].strip().strip("`") for table in tables for row in table.splitlines()]
    sentences = [re.split(r"…|`| \(", cell)[0].strip() for cell in cells]
    assert len(tables) == 3
    # when
    code = "".join(text_of(path) for folder in ("graph", "service") for path in sorted((ROOT / folder).rglob("*.py")))
    code = re.sub(r'"\s*\n\s*f?"', "", code)
    # then
    assert [sentence for sentence in sentences if sentence not in code] == []


@pytest.mark.parametrize("path", sorted(REFERENCE.glob("*.md")), ids=lambda path: path.name)
def test_generated_tables_are_up_to_date(path: Path) -> None:
    page = text_of(path)
    assert page == reference.render(page), "run `make reference`"


def test_the_schema_of_exports_is_up_to_date() -> None:
    assert reference_page(reference.SUBJECT_EXPORT_SCHEMA) == reference.subject_export_schema(), "run `make reference`"


def test_every_generated_table_is_on_one_page() -> None:
    names = [name for path in REFERENCE.glob("*.md") for name in reference.names(text_of(path))]
    assert sorted(names) == sorted(reference.TABLES)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name: str) -> None:
    assert f"`{name}" in reference_page("cli.md")
    assert CliRunner().invoke(app, [*COMMANDS[name], "--help"]).exit_code == 0


def test_every_command_in_the_documents_exists() -> None:
    groups = {name.split()[1] for name in COMMANDS if len(name.split()) > 2}
    for path in pages():
        for line in re.findall(r"`kith [^`]+`|^\s+(?:\S*/)?kith .*$", text_of(path), re.MULTILINE):
            for words in re.findall(rf"\bkith ((?:(?:{'|'.join(groups)}) )?[a-z]+(?:-[a-z]+)*)", line):
                assert words in groups or f"kith {words}" in COMMANDS, f"{path.relative_to(ROOT)}: {line}"


@pytest.mark.parametrize("path", [ROOT / "CONTRIBUTING.md", *pages()], ids=lambda path: str(path.relative_to(ROOT)))
def test_every_make_target_in_the_documents_exists(path: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    assert {"test", "demo", "docs", "reference"} <= targets
    assert set(re.findall(r"(?:`|^ {4}|&& )make ([a-z0-9-]+)", text_of(path), re.MULTILINE)) <= targets


def test_make_help_lists_every_target() -> None:
    makefile = text_of(ROOT / "Makefile")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert sorted(phony.split()) == sorted(re.findall(r"^([a-z0-9-]+):.*## \S", makefile, re.MULTILINE))


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_every_setting_is_documented_with_its_default(name: str) -> None:
    field = Settings.model_fields[name]
    table, *_ = reference_page("settings.md").split("<!-- end -->")
    (row,) = (line for line in table.splitlines() if line.startswith(f"| `KITH_{name.upper()}` | "))
    default = field.default
    shown = default.get_secret_value() if hasattr(default, "get_secret_value") else default
    if shown not in (None, ""):
        assert f"`{str(shown).lower() if isinstance(shown, bool) else shown}`" in row
    assert field.description
    assert field.description.replace("|", "\\|") in row


def test_every_setting_in_the_documents_exists() -> None:
    names = {f"KITH_{name.upper()}" for name in Settings.model_fields}
    for path in pages():
        assert set(re.findall(r"\bKITH_[A-Z0-9_]+\b", text_of(path))) <= names, path


def test_every_code_of_a_problem_is_documented() -> None:
    codes: set[str] = set()
    for folder in ("graph", "schema", "service"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text()
            codes |= set(re.findall(r'(?:Problem|InvalidInput)\(\s*"([A-Z_]+)"', text))
            codes |= set(re.findall(r'\bcode = "([A-Z_]+)"', text))
            codes |= set(re.findall(r'\bcode="([A-Z_]+)"', text))
            codes |= set(re.findall(r'super\(\).__init__\("([A-Z_]+)"', text))
            codes |= set(re.findall(r'"code": "([A-Z_]+)"', text))
    # What is stored decides the others, so nobody who asks for an identifier meets them.
    by_rules = set(DroppedIdentifierCode) - {DroppedIdentifierCode.SUPPRESSED, DroppedIdentifierCode.CONSENT_REQUIRED}
    codes |= {f"IDENTIFIER_{code.value}" for code in by_rules}
    codes |= set(STATUS_CODES.values())
    # Reserved for access rights: the service does not reject an authenticated caller yet.
    codes |= {"FORBIDDEN"}
    codes -= {"ERROR"}
    assert len(codes) > 20
    assert codes - COMMAND_LINE_CODES - CONNECTOR_CODES == set(CODES)
    page = reference_page("problem-codes.md")
    assert not sorted(code for code in codes if f"| `{code}` | " not in page)


@pytest.mark.parametrize(
    ("page", "module"),
    [
        ("rules-toml.md", rules_file),
        ("attributes-toml.md", attributes_file),
        ("access-file.md", access_file),
        ("retention-toml.md", retention_file),
        ("opendsr-toml.md", opendsr_file),
    ],
)
def test_the_reference_of_a_file_has_all_keys_and_valid_examples(page: str, module: ModuleType) -> None:
    text = reference_page(page)
    examples = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert examples
    for example in examples:
        module.parse(example)
    models = [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, BaseModel)]
    keys = {key for model in models for key in model.model_fields}
    assert len(keys) > 6
    assert not [key for key in keys if not re.search(rf"`\[*{key}]*`|\[{key}\]", text)]


def test_the_committed_schema_is_the_schema() -> None:
    assert (ROOT / "schema" / "schema.graphql").read_text() == sdl(), "run `make sdl`"


def test_everything_in_the_schema_is_described() -> None:
    bare: list[str] = []
    for name, kind in schema._schema.type_map.items():
        # Names with underscores are federation's.
        if name.startswith(("_", "link__")) or name in ("String", "Int", "Float", "Boolean", "ID"):
            continue
        if not kind.description:
            bare.append(name)
        if isinstance(kind, GraphQLEnumType):
            bare += [f"{name}.{key}" for key, value in kind.values.items() if not value.description]
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for key, field in kind.fields.items():
                if key.startswith("_"):
                    continue
                if not field.description:
                    bare.append(f"{name}.{key}")
                for argument, value in getattr(field, "args", {}).items():
                    if not value.description and argument != "input":
                        bare.append(f"{name}.{key}({argument})")
    assert not bare


def test_the_documents_show_graphql() -> None:
    assert sum(str(param.id).startswith("README.md") for param in BLOCKS) >= 2
    assert len(BLOCKS) > 15


@pytest.mark.parametrize("block", BLOCKS)
def test_graphql_in_the_documents_is_valid(block: str) -> None:
    assert validate(schema._schema, parse(block)) == []


@pytest.mark.parametrize(
    "path", [path for path in files() if path.suffix == ".md"], ids=lambda path: str(path.relative_to(ROOT))
)
def test_every_link_in_a_markdown_file_leads_somewhere(path: Path) -> None:
    # The text without code, which may hold brackets of its own.
    text = re.sub(r"```.*?```|`[^`\n]*`", "``", text_of(path), flags=re.DOTALL)
    for target in re.findall(r"]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, fragment = target.partition("#")
        linked = (path.parent / name).resolve() if name else path
        assert linked in files() or linked.is_dir(), f"{path.relative_to(ROOT)} links to {target}"
        if fragment:
            headings = re.findall(r"^#+ (.*)$", text_of(linked), re.MULTILINE)
            assert fragment in map(anchor, headings), f"{path.relative_to(ROOT)} links to {target}"


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    build = ROOT / ".venv-docs" / "bin" / "sphinx-build"
    if not build.exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("Sphinx is missing: `make docs`")
    command = [
        build,
        "-W",
        "--keep-going",
        "-n",
        "-q",
        "-b",
        "html",
        "-d",
        tmp_path / "trees",
        ROOT / "docs",
        tmp_path / "site",
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "site" / "reference" / "settings.html").exists()


@pytest.mark.parametrize("path", sorted(REFERENCE.glob("*.md")), ids=lambda path: path.name)
def test_each_row_of_a_generated_table_is_one_line(path: Path) -> None:
    blocks = re.findall(r"<!-- generated: [a-z-]+ -->\n(.*?)<!-- end -->", text_of(path), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line]
    assert [line for line in lines if not (line.startswith("| ") and line.endswith(" |"))] == []


def test_every_mapping_that_ships_is_on_the_page_of_connectors() -> None:
    page = (ROOT / "docs" / "connectors" / "index.md").read_text()
    missing = [name for name in shipped_names() if f"`{name}`" not in page.split("## Whose ids")[0]]
    assert not missing, f"docs/connectors/index.md does not list the mappings {missing}"


@pytest.mark.parametrize("folder", ["connectors", "destinations", "guides", "operations", "reference"])
def test_the_index_links_every_page(folder: str) -> None:
    index = (ROOT / "docs" / "index.md").read_text()
    pages = [page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs" / folder).glob("*.md")]
    assert not [page for page in pages if f"({page}" not in index]
