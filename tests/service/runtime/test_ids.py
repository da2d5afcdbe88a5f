"""Ids that sort by when they were made."""

import time

from service.runtime.ids import RandomIds, id_from

SEED, NOW = b"secret", 1_800_000_000_000_000


def test_an_id_is_a_ulid_behind_its_kind() -> None:
    # given
    ids = RandomIds()
    # when
    before = time.time_ns() // 1_000_000
    made = [ids.customer(), ids.mark(), ids.segment()]
    after = time.time_ns() // 1_000_000
    # then: as the specification of ULIDs says, 48 bits of milliseconds in Crockford's base 32
    assert [one[:4] for one in made] == ["cus_", "mrk_", "seg_"]
    for one in made:
        text = one[4:]
        assert len(text) == 26
        assert set(text) <= set("0123456789abcdefghjkmnpqrstvwxyz")
        told = 0
        for letter in text[:10]:
            told = told * 32 + "0123456789abcdefghjkmnpqrstvwxyz".index(letter)
        assert before <= told <= after


def test_ids_sort_by_when_they_were_made() -> None:
    ids = RandomIds()
    made = []
    for _ in range(20):
        made.append(ids.customer())
        time.sleep(0.002)
    assert made == sorted(made)


def test_no_two_ids_are_the_same() -> None:
    ids = RandomIds()
    assert len({ids.customer() for _ in range(10_000)}) == 10_000


def test_ids_of_a_backfill_follow_from_its_seed_and_time_in_the_order_of_their_numbers() -> None:
    made = [id_from(SEED, NOW, number) for number in (0, 1, 31, 32, 1_000, 999_999_999)]
    assert made == sorted(made)
    assert made == [id_from(SEED, NOW, number) for number in (0, 1, 31, 32, 1_000, 999_999_999)]
    assert made[0] != id_from(b"other", NOW, 0)
    assert made[-1] < id_from(SEED, NOW + 1_000, 0)
    assert {len(one) for one in made} == {30}
