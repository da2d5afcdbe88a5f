"""The commands of `kith`, each run as a process."""

import json
from pathlib import Path

import pytest

from schema.root import sdl
from service.config.rules_file import default_text
from tests.builders.clients import identifiers
from tests.builders.services import kith

SCENARIO = """rules
  crm limit=1
  cookie
seen
  e1 crm=Tom cookie=1
  e2 crm=Sue cookie=1
  e9 crm=Tom crm=Sue
expect
  crm=Sue cookie=1
  crm=Tom
"""


def test_simulate_prints_the_result_as_json(tmp_path: Path) -> None:
    (tmp_path / "a.scenario").write_text(SCENARIO)
    done = kith(tmp_path, "simulate", "a.scenario")
    assert done.returncode == 0
    result = json.loads(done.stdout)
    assert result["customers"] == [["cookie=1", "crm=Sue"], ["crm=Tom"]]
    assert result["suspended"][0]["link"] == ["cookie=1", "crm=Tom"]
    assert result["rejected"][0]["observation"] == "e9"
    assert set(result) == {"customers", "suspended", "rejected"}


def test_the_schema_is_printed_with_the_scopes_of_federation_on_demand(tmp_path: Path) -> None:
    plain, scoped = kith(tmp_path, "schema"), kith(tmp_path, "schema", "--federation-scopes")
    assert plain.returncode == scoped.returncode == 0
    assert plain.stdout == sdl()
    assert scoped.stdout == sdl(router_scopes=True)


def test_simulate_fails_with_both_lists_if_the_expectation_differs(tmp_path: Path) -> None:
    (tmp_path / "a.scenario").write_text(SCENARIO.replace("crm=Sue cookie=1\n  crm=Tom\n", "crm=Tom cookie=1\n"))
    done = kith(tmp_path, "simulate", "a.scenario")
    assert done.returncode == 1
    result = json.loads(done.stdout)
    assert result["expected"] == [["cookie=1", "crm=Tom"]]
    assert result["customers"] == [["cookie=1", "crm=Sue"], ["crm=Tom"]]


@pytest.mark.parametrize("content", [b"nonsense", b"\xff\xfe"])
def test_simulate_explains_an_invalid_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.scenario").write_bytes(content)
    done = kith(tmp_path, "simulate", "a.scenario")
    assert done.returncode == 2
    assert "a.scenario" in done.stderr
    assert "Traceback" not in done.stderr


def test_addresses_other_than_loopback_require_keys(tmp_path: Path) -> None:
    done = kith(tmp_path, "serve", "--host", "0.0.0.0", "--port", "0", timeout=30)
    assert done.returncode == 2
    assert "KITH_API_KEYS" in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--store", "mysql://x"], "KITH_STORE: 'mysql://x'"),
        (["--store", "sqlite:///no/such/folder/x.db"], "its folder does not exist"),
        (["--rules", "nowhere.toml"], "nowhere.toml: cannot be read"),
    ],
)
def test_an_invalid_setting_is_reported_in_one_line(tmp_path: Path, options: list[str], message: str) -> None:
    done = kith(tmp_path, "migrate", *options)
    assert done.returncode == 2
    assert message in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr


def test_migrate_is_safe_to_repeat(tmp_path: Path) -> None:
    assert "0001 initial" in kith(tmp_path, "migrate").stdout
    assert "the store is up to date" in kith(tmp_path, "migrate").stdout


def test_rules_other_than_those_of_the_store_are_rejected(tmp_path: Path) -> None:
    kith(tmp_path, "migrate")
    (tmp_path / "other.toml").write_text("[[namespace]]\nname = 'crm_id'\n")
    done = kith(tmp_path, "migrate", "--rules", "other.toml")
    assert done.returncode == 2
    assert "differ from the file" in done.stderr.replace("\n", " ")


def test_the_rules_are_shown_as_a_file_that_can_be_changed(tmp_path: Path) -> None:
    # given
    default = kith(tmp_path, "rules", "show")
    (tmp_path / "loose.toml").write_text(default_text().replace("limit = 5", "limit = 9"), "utf-8")
    files = sorted(path.name for path in tmp_path.iterdir())
    # when
    kith(tmp_path, "migrate", "--rules", "loose.toml")
    changed = kith(tmp_path, "rules", "show")
    # then: looking creates no store
    assert files == ["loose.toml"]
    assert default.stdout == default_text()
    assert changed.stdout == (tmp_path / "loose.toml").read_text("utf-8")


def test_rules_are_checked_previewed_and_applied(tmp_path: Path) -> None:
    # given
    lines = [
        {"source": "crm", "identifiers": identifiers(f"crm_id=Key{n}", f"email={mail}")}
        for n, mail in enumerate(["a@example.com", "a@example.com", "b@example.com"])
    ]
    (tmp_path / "f.ndjson").write_text("\n".join(map(json.dumps, lines)))
    kith(tmp_path, "import", "f.ndjson")
    loose = default_text().replace('name = "crm_id"\nlimit = 1', 'name = "crm_id"\nlimit = 2')
    (tmp_path / "loose.toml").write_text(loose)
    (tmp_path / "bad.toml").write_text("min_confidence = 2")
    # when
    valid, invalid = (kith(tmp_path, "rules", "check", name) for name in ("loose.toml", "bad.toml"))
    preview = kith(tmp_path, "rules", "preview", "loose.toml")
    first, second = (kith(tmp_path, "rules", "apply", "loose.toml") for _ in range(2))
    outdated = kith(tmp_path, "rules", "apply", "loose.toml", "--expected-version", "1")
    # then
    assert (valid.returncode, invalid.returncode) == (0, 2)
    message = invalid.stderr.replace("\n", " ")
    assert "bad.toml: namespace: Field required" in message or "min_confidence" in message
    assert "customers: 3 now, 2 under these rules" in preview.stdout
    assert "current customers: 2 would merge, 0 would split, 2 would change in total" in preview.stdout
    assert "a@example.com" not in preview.stdout
    assert "version 2 of the rules is in effect" in first.stdout
    assert "version 2 of the rules is in effect" in second.stdout, "the same rules again are not a new version"
    assert outdated.returncode == 0
    assert "crm_id=Key1" in kith(tmp_path, "lookup", "crm_id=Key0").stdout


@pytest.mark.parametrize(
    ("file", "reason"), [("text.db", "the file is not a SQLite database"), ("folder", "it is a folder")]
)
def test_a_file_that_is_no_database_is_reported_in_one_line(tmp_path: Path, file: str, reason: str) -> None:
    # given
    (tmp_path / "text.db").write_text("a file that somebody has saved under this name\n" * 20)
    (tmp_path / "folder").mkdir()
    # when
    done = kith(tmp_path, "lookup", "email=ann@example.com", "--store", f"sqlite:///{file}")
    # then
    assert done.returncode == 2
    assert reason in done.stderr
    assert len(done.stderr.splitlines()) == 1
