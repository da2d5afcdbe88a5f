"""Tombstones: what they drop, what brings an identifier back, and what their hashes tell."""

import pytest

from graph.domain.model.observations import Observation, Party
from graph.domain.model.tombstones import Tombstone, TombstoneKeys, TombstoneMode, combined

KEYS = TombstoneKeys({1: b"first secret", 2: b"second secret"}, 2)
RETURNING = frozenset({"signup"})


def tombstone(at: int = 10, mode: TombstoneMode = TombstoneMode.ERASED, lifted_at: int | None = None) -> Tombstone:
    return Tombstone("hash", "email", at, mode, 1, 1, "ers_1", lifted_at)


def sent(source: str = "signup", seen_at: int | None = 20, party: Party = Party.FIRST_PARTY) -> Observation:
    return Observation(source, (("email", "ann@example.com"),), "1", party, seen_at)


@pytest.mark.parametrize(
    ("observation", "is_dropped"),
    [
        (sent(), False),
        (sent(seen_at=10), True),
        (sent(source="mail-tool"), True),
        (sent(party=Party.SECOND_PARTY), True),
        (sent(seen_at=None), True),
    ],
)
def test_only_a_later_statement_of_a_sign_up_brings_an_erased_person_back(
    observation: Observation, is_dropped: bool
) -> None:
    seen_at = 20 if observation.seen_at is None else observation.seen_at
    assert tombstone().drops(observation, seen_at, RETURNING) is is_dropped


def test_a_suppression_holds_until_it_is_lifted() -> None:
    # given
    suppression = tombstone(mode=TombstoneMode.SUPPRESSED)
    # then
    assert suppression.drops(sent(), 20, RETURNING)
    assert suppression.lifted(25).drops(sent(seen_at=25), 25, RETURNING)
    assert not suppression.lifted(25).drops(sent(seen_at=26), 26, RETURNING)


def test_two_tombstones_drop_what_either_drops_in_any_order() -> None:
    # given
    early, late = tombstone(5, TombstoneMode.SUPPRESSED), tombstone(15)
    # when
    both = combined(early, late)
    # then
    assert both == combined(late, early)
    assert (both.at, both.mode) == (15, TombstoneMode.SUPPRESSED)


def test_a_hash_depends_on_the_identifier_and_on_the_secret() -> None:
    assert KEYS.hash("email=ann@example.com") in KEYS.hashes("email=ann@example.com")
    assert len(set(KEYS.hashes("email=ann@example.com") + KEYS.hashes("email=bob@example.com"))) == 4


def test_names_of_observations_cannot_be_confused() -> None:
    assert KEYS.observation_ids(("a", "b c")) != KEYS.observation_ids(("a b", "c"))


def test_the_digest_stays_the_same_when_keys_are_rotated() -> None:
    assert KEYS.digest("d") == TombstoneKeys({1: b"first secret"}, 1).digest("d")
