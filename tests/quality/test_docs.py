"""The documents are true: commands, settings, codes, files and the schema."""

import re
from pathlib import Path

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType, parse, validate
from typer.testing import CliRunner

from schema.root import schema, sdl
from schema.shared.problem_codes import CODES
from service.cli.main import app
from service.config.settings import Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
COMMANDS = [command.name or command.callback.__name__ for command in app.registered_commands]
RULES_COMMANDS = [command.callback.__name__ for command in app.registered_groups[0].typer_instance.registered_commands]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name: str) -> None:
    assert f"kith {name}" in README
    assert CliRunner().invoke(app, [name, "--help"]).exit_code == 0


def test_every_command_in_the_readme_exists() -> None:
    for name in re.findall(r"kith ([a-z]+)", "\n".join(re.findall(r"`kith [^`]+`|^\s+kith .*$", README, re.MULTILINE))):
        assert name in [*COMMANDS, "rules"]


@pytest.mark.parametrize("name", RULES_COMMANDS)
def test_every_command_on_rules_is_documented(name: str) -> None:
    assert f"kith rules {name}" in README
    assert CliRunner().invoke(app, ["rules", name, "--help"]).exit_code == 0


def test_every_make_target_in_the_readme_exists() -> None:
    targets = re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for name in re.findall(r"`make ([a-z0-9-]+)", README):
        assert name in targets


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_every_setting_is_documented_with_its_default(name: str) -> None:
    field = Settings.model_fields[name]
    rows = [line for line in README.splitlines() if line.startswith(f"| `KITH_{name.upper()}`")]
    assert len(rows) == 1, f"KITH_{name.upper()} is not in README.md's table"
    default = field.default
    shown = default.get_secret_value() if hasattr(default, "get_secret_value") else default
    if shown not in (None, ""):
        assert f"`{str(shown).lower() if isinstance(shown, bool) else shown}`" in rows[0]


def test_every_code_of_a_problem_is_documented() -> None:
    codes: set[str] = set()
    for folder in ("graph", "schema", "service"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text()
            codes |= set(re.findall(r'(?:Problem|InvalidInput|Unreadable\(Problem)\(\s*"([A-Z_]+)"', text))
            codes |= set(re.findall(r'\bcode = "([A-Z_]+)"', text))
            codes |= {f"VALUE_{code}" for code in re.findall(r'Dropped\([^"]*?"([A-Z_]+)"', text)}
            codes |= {f"VALUE_{code}" for code in re.findall(r'"…", "([A-Z_]+)"', text)}
            codes |= set(re.findall(r'super\(\).__init__\("([A-Z_]+)"', text))
            codes |= set(re.findall(r'"code": "([A-Z_]+)"', text))
    codes -= {"ERROR"}
    assert len(codes) > 20
    # What only the command line says is in no answer.
    assert codes - {"BAD_LINE", "BAD_FIELD", "BAD_FILE", "BAD_SETTING", "BAD_SETUP", "OTHER_FILES"} == set(CODES)
    missing = sorted(code for code in codes if f"`{code}`" not in README)
    assert not missing


def test_the_committed_schema_is_the_schema() -> None:
    assert (ROOT / "schema" / "schema.graphql").read_text() == sdl(), "run `make sdl`"


def test_everything_in_the_schema_is_described() -> None:
    bare: list[str] = []
    for name, one in schema._schema.type_map.items():
        # Names with underscores are federation's.
        if name.startswith(("_", "link__")) or name in ("String", "Int", "Float", "Boolean", "ID"):
            continue
        if not one.description:
            bare.append(name)
        if isinstance(one, GraphQLEnumType):
            bare += [f"{name}.{key}" for key, value in one.values.items() if not value.description]
        if isinstance(one, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for key, field in one.fields.items():
                if key.startswith("_"):
                    continue
                if not field.description:
                    bare.append(f"{name}.{key}")
                for argument, value in getattr(field, "args", {}).items():
                    if not value.description and argument != "input":
                        bare.append(f"{name}.{key}({argument})")
    assert not bare


def test_the_graphql_of_the_readme_is_valid() -> None:
    blocks = re.findall(r"```graphql\n(.*?)```", README, re.DOTALL)
    assert len(blocks) >= 2
    for block in blocks:
        assert validate(schema._schema, parse(block)) == []


def test_no_path_of_a_machine_and_no_registry_is_committed() -> None:
    registries = re.compile(r"\b(pypi|npmjs|crates|repo\w*\.maven|maven)\.(org|com|io)\b")
    for path in ROOT.rglob("*"):
        parts = path.relative_to(ROOT).parts
        if any((part[0] == "." and part != ".ci") or part in ("__pycache__", "node_modules") for part in parts[:-1]):
            continue
        if path.is_file() and path.suffix in (".py", ".md", ".toml", ".txt", ".xml", ".yml", ".cypher", ".sql", ""):
            text = path.read_text(errors="ignore")
            assert str(ROOT) not in text, path
            assert not registries.search(text.replace("maven.apache.org/POM", "")), path
