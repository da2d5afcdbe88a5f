"""Generated requests on each store, with a fixed budget: no request causes an internal error."""

import json
import os
import re
import subprocess

from tests.builders.services import API, ROOT, TOOLS, Serve, require

EXAMPLES = 250
SCHEMATHESIS_EXAMPLES = 12


def test_every_answer_conforms_to_the_schema_and_the_document(serve: Serve) -> None:
    # given
    require((TOOLS / "st").exists(), "hypothesis-graphql")
    service = serve()
    # when
    command = [TOOLS / "python", API / "fuzz.py", service.url, "--examples", str(EXAMPLES)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=280)
    # then
    assert result.stdout, result.stderr
    report = json.loads(result.stdout)
    assert report["failed"] == ""
    assert report["requests"] >= EXAMPLES
    assert report["answered with data"] > EXAMPLES / 4
    assert "Traceback" not in service.log.read_text()
    assert "internal error" not in service.log.read_text()


def test_schemathesis_finds_no_failure(serve: Serve) -> None:
    # given
    require((TOOLS / "st").exists(), "schemathesis")
    service = serve()
    # when
    command = [TOOLS / "st", "run", service.url, "--checks", "no_server_failure", "--no-color", "--seed", "1"]
    command += ["--max-examples", str(SCHEMATHESIS_EXAMPLES), "--generation-database", "none"]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(API)}
    result = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=280)
    # then
    assert result.returncode == 0, result.stdout
    assert re.search(r"Selected: (\d+)/\1\s+Tested: \1\b", result.stdout), result.stdout
