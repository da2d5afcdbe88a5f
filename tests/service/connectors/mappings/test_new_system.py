"""A system that is not in the list is added by the file that the documentation shows, of at most 40 lines."""

import re
from email.utils import formatdate
from pathlib import Path

from graph.ports import Store
from tests.builders.repository import ROOT
from tests.builders.runs import Run
from tests.builders.systems import customer, deliver, sample, signed, taking

PAGE = ROOT / "docs" / "connectors" / "index.md"


def shown() -> str:
    (text,) = re.findall(r'```toml\n(title = "Klaviyo".*?)```', PAGE.read_text(), re.DOTALL)
    return str(text)


def test_the_documented_file_adds_klaviyo(store: Store, run: Run, tmp_path: Path) -> None:
    # given
    text = shown()
    assert len(text.splitlines()) <= 40
    (tmp_path / "klaviyo.toml").write_text(text)
    client = taking(store, run, tmp_path, "klaviyo.toml")
    body, now = sample("klaviyo-events.json"), formatdate(usegmt=True)
    signature = signed(body, now, encoding="hex")
    # when
    answers = [
        deliver(client, run, "klaviyo", body, klaviyo_signature=signature, klaviyo_timestamp=now) for _ in range(2)
    ]
    # then
    assert [(answer["accepted"], answer["duplicate"], answer["refused"]) for answer in answers] == [
        (3, 0, 0),
        (0, 3, 0),
    ]
    found = customer(client, "email", "ann.lee@example.com")
    assert found["interactions"] == ["email_link_clicked", "email_opened", "unsubscribed"]
    assert found["consent"] == "WITHDRAWN"
