"""The layers are a contract, and the domain uses the standard library and four pure libraries only."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
ALLOWED = {"email_validator", "msgspec", "phonenumbers", "rapidfuzz", "graph"}


def test_the_contracts_of_the_layers_hold() -> None:
    result = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout


def test_the_domain_imports_the_standard_library_and_four_pure_libraries() -> None:
    for path in (ROOT / "graph" / "domain").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                top = name.split(".")[0]
                assert top in ALLOWED or top in sys.stdlib_module_names, f"{path.name} imports {name}"


def test_every_tests_folder_is_a_package() -> None:
    for folder in (ROOT / "tests").rglob("*"):
        if (
            folder.is_dir()
            and folder.name not in ("__pycache__", "scenarios", "files", "released")
            and "samples" not in folder.parts
        ):
            assert (folder / "__init__.py").exists(), folder
