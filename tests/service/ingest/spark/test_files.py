"""Files of a history on Spark: their order, the places of their lines, and what cannot be read."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from graph.domain.model.errors import InvalidInput
from service.ingest.spark.files import find_files
from service.ingest.spark.session import open_session


def test_lines_have_the_order_of_the_files_and_of_the_lines_over_blocks(spark: SparkSession, tmp_path: Path) -> None:
    # given: files of several blocks, one with a byte order mark; \r and U+2028 end no line
    folder = tmp_path / "a folder"
    folder.mkdir()
    texts = {
        "2.ndjson": "\ufeff" + "".join(f"second {number} \u2028\n" for number in range(3_000)),
        "1.ndjson": "".join(f"first {number}\r\n" for number in range(10)),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8", newline="")
    single = tmp_path / "z.ndjson"
    single.write_text("alone", "utf-8")
    # when
    history = find_files(spark, [str(single), str(folder)])
    lines = history.lines().orderBy("file", "block", "seq").collect()
    # then
    assert [file.name for file in history.files] == [str(single), str(folder / "1.ndjson"), str(folder / "2.ndjson")]
    expected = ["alone", *(f"first {number}\r" for number in range(10))]
    expected += [f"second {number} \u2028" for number in range(3_000)]
    assert [bytes(line["content"]).decode() for line in lines] == expected
    assert len({line["block"] for line in lines if line["file"] == 2}) > 1


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["nothing.ndjson"], "nothing.ndjson cannot be read: PATH_NOT_FOUND"),
        (["table.csv"], "is not NDJSON, which is what the engine spark reads"),
        (["once.ndjson", "once.ndjson"], "is given twice"),
    ],
)
def test_what_cannot_be_read_is_named(spark: SparkSession, tmp_path: Path, names: list[str], message: str) -> None:
    for name in ("table.csv", "once.ndjson"):
        (tmp_path / name).write_text("x\n", "utf-8")
    with pytest.raises(InvalidInput, match=message):
        find_files(spark, [str(tmp_path / name) for name in names])


def test_without_java_the_message_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(InvalidInput, match="requires Java 17") as missing:
        open_session("local[1]")
    assert missing.value.code == "MISSING_JAVA"
