"""Ids that sort by creation time."""

import time

from service.runtime.ids import RandomIds, derive_customer_id

SEED, NOW = b"secret", 1_800_000_000_000_000


def test_an_id_is_a_ulid_with_a_prefix() -> None:
    # given
    ids = RandomIds()
    # when
    before = time.time_ns() // 1_000_000
    created = [ids.customer(), ids.override(), ids.segment(), ids.preview()]
    after = time.time_ns() // 1_000_000
    # then: 48 bits of milliseconds in Crockford's base 32, as in the ULID specification
    assert [id[:4] for id in created] == ["cus_", "ovr_", "seg_", "prv_"]
    for id in created:
        text = id[4:]
        assert len(text) == 26
        assert set(text) <= set("0123456789abcdefghjkmnpqrstvwxyz")
        milliseconds = 0
        for letter in text[:10]:
            milliseconds = milliseconds * 32 + "0123456789abcdefghjkmnpqrstvwxyz".index(letter)
        assert before <= milliseconds <= after


def test_ids_sort_by_creation_time() -> None:
    ids = RandomIds()
    created = []
    for _ in range(20):
        created.append(ids.customer())
        time.sleep(0.002)
    assert created == sorted(created)


def test_ids_are_unique() -> None:
    ids = RandomIds()
    assert len({ids.customer() for _ in range(10_000)}) == 10_000


def test_derived_ids_are_reproducible_and_differ_by_anchor_and_secret() -> None:
    # given
    anchors = [f"email=p{number}@mail.example" for number in range(1_000)]
    # when
    derived = [derive_customer_id(SEED, NOW, anchor) for anchor in anchors]
    # then
    assert derived == [derive_customer_id(SEED, NOW, anchor) for anchor in anchors]
    assert len(set(derived)) == 1_000
    assert derived[0] != derive_customer_id(b"other", NOW, anchors[0])
    assert max(derived) < derive_customer_id(SEED, NOW + 1_000, anchors[0])
    assert {len(id) for id in derived} == {30}
