"""Sentences are texts with parts, and stored texts are read back into their parts."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain.access.masked_values import Masks
from graph.domain.access.roles import ROLES
from graph.domain.access.viewer import Viewer
from graph.domain.model.changes import Cause, Change, ChangeKind
from graph.domain.model.sentences import MessageCode, Sentence, sentence_of
from graph.domain.profile.catalog import Catalog
from service.config import rules_file

WORDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789@.+-", min_size=12, max_size=30)
KEYS = st.builds("{}={}".format, st.sampled_from(["email", "crm_id", "cookie"]), WORDS)
STEWARD = ROLES["steward"]
MASKS = Masks(
    Viewer("a steward", STEWARD.name, STEWARD.scopes, STEWARD.reach),
    rules_file.parse(rules_file.default_text()),
    Catalog(),
)


def reasons(a: str, b: str) -> list[Sentence]:
    """Sentences that stores keep."""
    value = {"attribute": "birth_date", "value_a": "1980-05-04", "value_b": "2010-11-23"}
    guard = Sentence(MessageCode.GUARD, a=a, b=b, **value)
    return [
        Sentence(MessageCode.SEEN_TOGETHER, a=a, b=b, sources="crm, web", party="first"),
        Sentence(MessageCode.SEEM_TOGETHER, a=a, b=b, sources="crm"),
        Sentence(MessageCode.KEPT_APART, a=a, b=b),
        Sentence(MessageCode.SHARED, identifier=a),
        Sentence(MessageCode.FIRST_SEEN),
        guard,
        Sentence(MessageCode.LINK_NOT_ACTIVE, a=a, b=b, reason=guard),
        Sentence(MessageCode.LIMIT, count=2, namespace="crm_id", limit=1),
        Sentence(MessageCode.BELOW_THRESHOLD, confidence="0.5", threshold="0.9"),
    ]


@given(KEYS, KEYS)
def test_a_stored_text_has_the_parts_that_it_was_made_of(a: str, b: str) -> None:
    for sentence in reasons(a, b):
        # when
        read = sentence_of(str(sentence))
        # then
        assert read is not None
        assert (read, read.code) == (sentence, sentence.code)
        texts = {name: str(value) for name, value in sentence.parameters.items()}
        assert {name: str(value) for name, value in read.parameters.items()} == texts


@given(KEYS, KEYS)
def test_the_reason_of_a_change_shows_no_value_of_a_masked_identifier(a: str, b: str) -> None:
    for sentence in reasons(a, b):
        # given: an entry as a store returns it
        change = Change(ChangeKind.LINK_SUSPENDED, 0, Cause(), keys=(a,), reason=str(sentence))
        # when
        shown = MASKS.change(change)
        # then
        texts = [str(shown.reason), *map(str, shown.keys)]
        assert not any(key.partition("=")[2] in text for text in texts for key in (a, b))
        assert not any(value in text for text in texts for value in ("05-04", "11-23"))


@given(st.text("ab=() ,@.", max_size=20), st.text("ab=() ,@.", max_size=20))
def test_a_value_that_looks_like_a_template_does_not_show_another_one(a: str, b: str) -> None:
    # given: a value of an identifier that is chosen to break the sentence, beside a secret one
    tricky = f"login={a} were seen together (x, first party) and {b}"
    sentence = Sentence(
        MessageCode.SEEN_TOGETHER, a=tricky, b="email=secretann@secret.com", sources="crm", party="first"
    )
    change = Change(ChangeKind.CUSTOMERS_MERGED, 0, Cause(), reason=str(sentence))
    # when, then
    assert "secret" not in str(MASKS.change(change).reason)


def test_a_text_of_an_earlier_version_is_shown_to_those_who_may_read_values_only() -> None:
    # given
    change = Change(ChangeKind.CUSTOMERS_MERGED, 0, Cause(), reason="ann@example.com met crm_id=7 at noon")
    privacy = ROLES["privacy"]
    viewer = Viewer("dpo", privacy.name, privacy.scopes, privacy.reach)
    unmasked = Masks(viewer, rules_file.parse(rules_file.default_text()), Catalog())
    # when, then
    assert unmasked.change(change) is change
    assert str(MASKS.change(change).reason) == MessageCode.MASKED_TEXT.value


def test_a_sentence_is_copied_with_its_parts() -> None:
    # given
    sentence = Sentence(MessageCode.KEPT_APART, a="a=1", b="b=2")
    # when
    copied = copy.deepcopy(sentence)
    # then
    assert (copied, copied.code, copied.parameters) == (sentence, sentence.code, {"a": "a=1", "b": "b=2"})


@pytest.mark.parametrize(("role", "name"), [("steward", "•••"), ("privacy", "Frequent buyers")])
def test_the_segment_of_a_customer_is_named_to_who_may_read_memberships(role: str, name: str) -> None:
    # given
    chosen = ROLES[role]
    masks = Masks(
        Viewer("caller", role, chosen.scopes, chosen.reach),
        rules_file.parse(rules_file.default_text()),
        Catalog(),
    )
    # when, then
    change = Change(ChangeKind.SEGMENT_ENTERED, 0, Cause(), "cus_1", reason="Frequent buyers")
    assert masks.change(change).reason == name


def test_a_reason_within_a_reason_has_parts_of_its_own() -> None:
    # given
    shared = Sentence(MessageCode.SHARED, identifier="cookie=ck-1")
    sentence = Sentence(MessageCode.LINK_NOT_ACTIVE, a="cookie=ck-1", b="order=A-1", reason=shared)
    # when
    read = sentence_of(str(sentence))
    # then
    assert read is not None
    assert (read, read.code, read.parameters) == (sentence, sentence.code, sentence.parameters)
