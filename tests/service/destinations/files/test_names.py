"""Names of files: sorted by time, never the same, and those of other destinations are left alone."""

import pytest

from service.destinations.files.names import FileNames, label

NOON = 1_764_504_000_000_000
"""2025-11-30T12:00:00Z"""


def test_a_name_says_when_what_for_whom_and_from_where() -> None:
    # when
    name, at = FileNames("letters", "csv").next("delta", "Win back: 2026", NOON)
    # then
    time, random, rest = name.split("-", 2)
    assert (time, len(random), rest, at) == ("20251130T120000.000000Z", 8, "delta-win_back_2026-letters.csv", NOON)


def test_names_sort_by_time_even_if_the_clock_stands_still_or_goes_back() -> None:
    # given
    names = FileNames("letters", "csv")
    # when
    given = [names.next("delta", "a", NOON - n // 5 * 1_000_000)[0] for n in range(20)]
    # then
    assert given == sorted(given)
    assert len({name.split("-")[0] for name in given}) == 20


def test_names_follow_those_of_a_process_whose_clock_was_ahead() -> None:
    # given
    before, at = FileNames("letters", "csv").next("delta", "a", NOON + 3_600_000_000)
    # when
    names = FileNames("letters", "csv")
    names.follow([at])
    # then
    assert names.next("delta", "a", NOON)[0] > before


def test_processes_with_the_same_time_do_not_collide() -> None:
    assert len({FileNames("letters", "csv").next("delta", "a", NOON)[0] for _ in range(1_000)}) == 1_000


@pytest.mark.parametrize("ending", ["", ".part", ".manifest.json", ".manifest.json.part"])
def test_the_time_of_each_own_file_is_known(ending: str) -> None:
    # given
    names = FileNames("sms-2", "parquet")
    name, at = names.next("snapshot", "winback", NOON)
    # then
    assert names.time_of(name + ending) == at
    assert FileNames("sms-2", "csv").time_of(name + ending) == at


@pytest.mark.parametrize(
    "name",
    [
        "customers.csv",
        "20251130T120000.000000Z-0123abcd-delta-winback-sms-2.csv.bak",
        "20251130T120000.000000Z-0123abcd-delta-winback-other.csv",
        "20251130T120000.000000Z-0123abcd-delta-winback-my-sms-2.csv",
        "20251130T120000.000000Z-0123abcd-delta-winback-sms-2-x.csv",
        "20251340T990000.000000Z-0123abcd-delta-winback-sms-2.csv",
        "../20251130T120000.000000Z-0123abcd-delta-winback-sms-2.csv",
    ],
)
def test_other_files_are_not_own(name: str) -> None:
    assert FileNames("sms-2", "csv").time_of(name) is None


def test_an_audience_without_latin_letters_has_a_label() -> None:
    assert [label(text) for text in ("Клиенты", "../../etc", "A" * 200)] == ["audience", "etc", "a" * 60]
