"""`kith backup`, `kith restore` and `kith copy`, each run as a process, beside a service."""

from pathlib import Path

from tests.builders.services import Service, kith

LINK = """mutation { linkIdentifiers(input: {observations: [{source: "web", id: "%s", identifiers: [
  {namespace: "email", value: "ann@example.com"}, {namespace: "crm_id", value: "A1"}]}]}) { errors { code } } }"""


def test_a_store_is_backed_up_copied_and_restored(tmp_path: Path) -> None:
    # given
    service = Service(f"sqlite:///{tmp_path}/kith.db", tmp_path).wait()
    try:
        service.ask(LINK % "1")
        # when
        done = kith(tmp_path, "backup", "backup.db")
        assert (done.returncode, done.stdout) == (0, "wrote backup.db\n")
        copied = kith(tmp_path, "copy", "sqlite:///kith.db", "sqlite:///copy.db")
        assert (copied.returncode, copied.stdout) == (0, "copied sqlite:///kith.db to sqlite:///copy.db\n")
        # then
        again = kith(tmp_path, "backup", "backup.db")
        assert (again.returncode, again.stdout) == (2, "")
        assert "backup.db exists already; with --force it is replaced" in again.stderr
        in_use = kith(tmp_path, "restore", "backup.db", "--force")
        assert in_use.returncode == 2
        assert "stop it first" in in_use.stderr
        assert "Traceback" not in in_use.stderr
    finally:
        service.stop()
    # when
    restored = kith(tmp_path, "restore", "backup.db", "--force")
    assert restored.returncode == 0, restored.stderr
    # then
    for store in ("kith.db", "copy.db"):
        assert "ann@example.com" in kith(tmp_path, "lookup", "crm_id=A1", "--store", f"sqlite:///{store}").stdout
