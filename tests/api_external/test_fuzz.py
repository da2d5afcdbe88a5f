"""Generated requests against both stores, with a fixed budget: nothing that a caller sends is the service's fault."""

import json
import os
import re
import subprocess

from tests.builders.services import API, ROOT, TOOLS, Serve, needed

EXAMPLES = 250
SCHEMATHESIS_EXAMPLES = 12


def test_every_answer_is_as_the_schema_and_the_document_say(serve: Serve) -> None:
    # given
    needed((TOOLS / "st").exists(), "hypothesis-graphql")
    service = serve()
    # when
    command = [TOOLS / "python", API / "fuzz.py", service.url, "--examples", str(EXAMPLES)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    # then
    told = json.loads(done.stdout)
    assert told["failed"] == ""
    assert told["requests"] >= EXAMPLES
    assert told["answered with data"] > EXAMPLES / 4
    assert "Traceback" not in service.log.read_text()
    assert "internal error" not in service.log.read_text()


def test_schemathesis_finds_no_fault(serve: Serve) -> None:
    # given
    needed((TOOLS / "st").exists(), "schemathesis")
    service = serve()
    # when
    command = [TOOLS / "st", "run", service.url, "--checks", "no_fault_of_the_service", "--no-color", "--seed", "1"]
    command += ["--max-examples", str(SCHEMATHESIS_EXAMPLES), "--generation-database", "none"]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(API)}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=280)
    # then
    assert done.returncode == 0, done.stdout
    assert re.search(r"Selected: (\d+)/\1\s+Tested: \1\b", done.stdout), done.stdout
