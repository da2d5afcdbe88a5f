"""Identifiers and links after a delta: evidence, neighbors, sharing, and what changed for resolution."""

from graph.domain.model.dates import SECOND
from graph.domain.model.links import Link, LinkReasonCode, LinkState
from graph.domain.model.observations import Evidence, EvidenceTier, Party
from graph.domain.model.overrides import OverrideKind
from tests.builders.deltas import overlay_of, region
from tests.builders.graphs import Graph, observe, override, remove_override, revoke, seen, small_rules

RULES = small_rules()
PAIR = ("cookie=x", "mail=A")


def test_two_identifiers_that_are_seen_together_are_neighbors_with_a_link() -> None:
    # when
    overlay, _ = overlay_of(Graph(RULES), observe(seen("cookie=x", "mail=A", id="1", at=5), RULES))
    # then
    assert overlay.members_before == {}
    assert overlay.touched_keys == ["cookie=x", "mail=A"]
    assert overlay.members["mail=A"].evidence == Evidence(5 * SECOND, 5 * SECOND, ("shop",), 1)
    assert overlay.members["mail=A"].degree == {"cookie": 1}
    assert overlay.links == {PAIR: Link(*PAIR, EvidenceTier.FIRST_PARTY, 5 * SECOND, 5 * SECOND, 1, ("shop",))}
    assert overlay.link_change(PAIR) == -1
    assert overlay.first_seen_moved_back("mail=A")


def test_a_phone_of_three_people_becomes_shared_and_its_links_excluded() -> None:
    # given
    graph = Graph(RULES)
    graph.see(seen("crm=a", "phone=1", id="1"), seen("crm=b", "phone=1", id="2"))
    # when
    overlay, _ = overlay_of(graph, observe(seen("crm=c", "phone=1", id="3"), RULES))
    # then
    assert overlay.shared_flips == {"phone=1"}
    assert overlay.members["phone=1"].degree == {"crm": 3}
    assert overlay.link_is_excluded(("crm=c", "phone=1"))
    excluded = overlay.as_excluded(overlay.links["crm=c", "phone=1"])
    assert (excluded.state, excluded.reason.code) == (LinkState.EXCLUDED, LinkReasonCode.SHARED)
    # when: one of the three observations is revoked
    graph.see(seen("crm=c", "phone=1", id="3"))
    overlay, _ = overlay_of(graph, revoke("1"))
    # then
    assert overlay.shared_flips == {"phone=1"}
    assert not overlay.members["phone=1"].shared


def test_a_withdrawn_observation_removes_the_links_that_it_alone_supports() -> None:
    # given
    graph = Graph(RULES)
    graph.see(seen(*PAIR, id="1", at=3), seen(*PAIR, id="2", at=5), seen("crm=a", "mail=A", id="3", at=4))
    # when
    overlay, _ = overlay_of(graph, revoke("1"))
    # then: the other observation of the pair remains
    assert (overlay.links[PAIR].observation_count, overlay.links[PAIR].first_seen_at) == (1, 5 * SECOND)
    assert overlay.members["mail=A"].evidence == Evidence(4 * SECOND, 5 * SECOND, ("shop",), 2)
    assert overlay.first_seen_moved_forward("mail=A")
    # when
    overlay, _ = overlay_of(graph, revoke("1"), revoke("2"))
    # then
    assert PAIR not in overlay.links
    assert PAIR in overlay.links_before
    assert overlay.link_change(PAIR) == 1
    assert not overlay.members["cookie=x"].alive
    assert overlay.members["mail=A"].degree == {"crm": 1}


def test_a_block_excludes_untouched_links_once_they_are_read() -> None:
    # given
    graph = Graph(RULES)
    graph.see(seen(*PAIR, id="1"), seen("crm=a", "mail=A", id="2"))
    # when
    overlay, _ = overlay_of(graph, override(OverrideKind.BLOCKED, "mail=A"))
    # then
    assert overlay.block_flips == overlay.override_keys == {"mail=A"}
    assert (overlay.members["mail=A"].blocked, overlay.members["mail=A"].override_count) == (True, 1)
    # when
    recounted = overlay.add_region(region(graph, "mail=A"))
    # then
    assert recounted
    assert overlay.members["cookie=x"].degree == {}
    assert overlay.link_is_excluded(PAIR)
    assert overlay.as_excluded(overlay.links[PAIR]).reason.message == "a steward blocked mail=A"


def test_an_unblocked_identifier_has_its_neighbors_again() -> None:
    # given
    graph = Graph(RULES)
    graph.see(seen(*PAIR, id="1"))
    graph.do(override(OverrideKind.BLOCKED, "mail=A", id="m"))
    # when
    overlay, _ = overlay_of(graph, remove_override("m"))
    overlay.add_region(region(graph, "mail=A"))
    # then
    assert (overlay.members["mail=A"].blocked, overlay.members["mail=A"].override_count) == (False, 0)
    assert overlay.members["cookie=x"].degree == {"mail": 1}
    assert not overlay.link_is_excluded(PAIR)


def test_a_link_changes_for_resolution_only_if_its_place_or_its_exclusion_changes() -> None:
    # given: the first claimant keeps a mail address, the newest gets a cookie
    graph = Graph(RULES)
    graph.see(seen("crm=a", "mail=A", id="1", at=5), seen(*PAIR, id="2", at=5))
    mail, cookie = ("crm=a", "mail=A"), PAIR
    cases = [
        # when, then
        (seen(*mail, at=6), mail, 0),
        (seen(*mail, at=4), mail, -SECOND),
        (seen(*cookie, at=4), cookie, 0),
        (seen(*cookie, at=6), cookie, -SECOND),
        (seen(*cookie, at=6, party=Party.THIRD_PARTY), cookie, 0),
        (seen("crm=a", "cookie=x", confidence=0.5), ("cookie=x", "crm=a"), 0),
        (seen("crm=a", "cookie=x"), ("cookie=x", "crm=a"), -1),
    ]
    for observation, pair, change in cases:
        overlay, _ = overlay_of(graph, observe(observation, RULES))
        assert overlay.link_change(pair) == change, observation


def test_a_probabilistic_link_is_not_excluded_once_it_is_observed() -> None:
    # given
    graph = Graph(RULES)
    graph.see(seen(*PAIR, id="1", confidence=0.5))
    assert graph.store.links[PAIR].state is LinkState.EXCLUDED
    # when
    overlay, _ = overlay_of(graph, observe(seen(*PAIR, id="2", at=5), RULES))
    # then
    assert overlay.link_change(PAIR) is None
    assert (overlay.links[PAIR].tier, overlay.links[PAIR].confidence) == (EvidenceTier.FIRST_PARTY, 0.5)
