"""`kith singer` behind a tap, killed anywhere: from its last printed state, no line is lost and no fact is doubled."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders.pipelines import MAPPING, SCHEMA, kith, lines, observations, record, state, stored
from tests.builders.services import kith as kith_process

CONTACTS = 1_000
STATE_EVERY = 10
KILLS = 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "crm.toml").write_text(MAPPING)
    return tmp_path


def tap(position: int) -> list[str]:
    """What a tap sends from a position on: contacts, and its state now and then."""
    sent = [SCHEMA]
    for number in range(position, CONTACTS):
        sent.append(record(number))
        if (number + 1) % STATE_EVERY == 0:
            sent.append(state(number + 1))
    return lines(*sent).splitlines(keepends=True)


def target(folder: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "service", "singer", "--as", "crm.toml"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=folder, text=True, **pipes)


def position_of(line: str) -> int:
    return json.loads(line)["bookmarks"]["contacts"]


def test_a_killed_pipe_goes_on_from_its_last_state(folder: Path) -> None:
    # given
    chance = random.Random(7)
    position = kills = 0
    while kills < KILLS:
        process = target(folder)
        sent = tap(position)
        first = chance.randrange(STATE_EVERY + 2, 4 * STATE_EVERY)
        process.stdin.write("".join(sent[:first]))
        process.stdin.flush()
        printed = process.stdout.readline()
        assert printed, process.communicate()[1]
        # when: it is killed while more lines come, the last of them half
        more = "".join(sent[first : first + chance.randrange(2 * STATE_EVERY)])
        process.stdin.write(more[: len(more) - chance.randrange(20)])
        process.stdin.flush()
        process.kill()
        kills += 1
        # then: the runner keeps the last state that it has seen
        seen = [printed, *process.communicate()[0].splitlines()]
        position = max(position, position_of(seen[-1]))
    assert 0 < position < CONTACTS
    # when: it runs to the end
    done = subprocess.run(
        [sys.executable, "-m", "service", "singer", "--as", "crm.toml"],
        cwd=folder, input="".join(tap(position)), capture_output=True, text=True, check=True,
    )  # fmt: skip
    # then: two facts of each contact
    assert position_of(done.stdout.splitlines()[-1]) == CONTACTS
    assert observations(folder) == 2 * CONTACTS
    assert "0 refused" in done.stderr


def test_a_malformed_line_ends_with_its_number_and_without_its_content(folder: Path) -> None:
    # given
    text = lines(SCHEMA, record(1), state(1)) + '{"type": "RECORD", "secret@example.com\n'
    # when
    done = kith_process(folder, "singer", "--as", "crm.toml", input=text)
    # then
    assert done.returncode == 2
    assert "kith: line 4 is not JSON" in done.stderr
    assert "secret@example.com" not in done.stderr
    assert position_of(done.stdout) == 1


@pytest.mark.usefixtures("own_logging")
@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ((), "the mapping names no source, so --source NAME is needed"),
        (("--source", "crm"), "there is no source 'crm' in connectors.toml, so --as MAPPING is needed"),
        (("--as", "crm.toml", "--map-stream", "orders"), "--map-stream 'orders' is not STREAM=MAPPING"),
        (("--as", "crm.toml", "--map-stream", "orders=none"), "'none' is not a mapping"),
        (("--config", "other.json"), "other.json: "),
    ],
)
def test_wrong_options_are_errors(folder: Path, words: tuple[str, ...], reason: str) -> None:
    # given
    (folder / "other.json").write_text('{"sauce": "crm"}')
    # when
    done = kith(folder, "singer", *words)
    # then
    assert done.returncode == 2
    assert reason in done.stderr


def test_options_may_be_in_a_file_as_runners_pass_it(folder: Path) -> None:
    # given
    (folder / "config.json").write_text(json.dumps({"as": "crm.toml", "source": "hubspot"}))
    # when
    done = kith_process(
        folder, "singer", "--config", "config.json", input=lines(SCHEMA, record(1), state(1)).rstrip("\n")
    )
    # then
    assert done.returncode == 0, done.stderr
    assert "Ann 1" in stored(folder, 1)
