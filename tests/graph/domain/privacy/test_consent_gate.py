"""The gate keeps everything of a command but the identifiers that lack a consent."""

from msgspec.structs import replace

from graph.domain.model.observations import Observation
from graph.domain.model.retention import Retention
from graph.domain.model.rules import DroppedIdentifier, DroppedIdentifierCode
from graph.domain.privacy.consent_gate import admitted, gated_keys, unconsented
from graph.domain.profile.consents import ConsentsInEffect
from graph.domain.resolution.preparation import Observe, prepare
from service.config import rules_file
from tests.builders.graphs import NOW

RULES = rules_file.parse(
    rules_file.default_text().replace('name = "cookie"\n', 'name = "cookie"\nrequires_consent = "profiling"\n', 1)
)


def test_what_is_left_of_a_command_keeps_its_id_its_sender_and_its_retention() -> None:
    # given
    observation = Observation("shop", (("email", "ann@example.com"), ("cookie", "ck-1")))
    sent = replace(prepare(observation, RULES, NOW), received_from="till-7", retention=Retention())
    # when
    left = admitted(sent, unconsented(gated_keys(sent, RULES), ConsentsInEffect(), RULES), RULES)
    # then
    assert isinstance(left, Observe)
    assert left.normalized.keys == ("email=ann@example.com",)
    assert (left.key, left.digest) == (sent.key, sent.digest)
    assert (left.received_from, left.retention) == ("till-7", sent.retention)
    assert "ck-1" not in left.observation.as_sent()


def test_what_was_dropped_before_the_gate_is_still_reported() -> None:
    # given a command that has lost an identifier to an erasure, and another one to its age
    suppressed = DroppedIdentifier("phone", "+49301234567", DroppedIdentifierCode.SUPPRESSED, "is suppressed")
    expired = DroppedIdentifier("ip", "192.0.2.1", DroppedIdentifierCode.EXPIRED, "is older than 30 days")
    observation = Observation("shop", (("email", "ann@example.com"), ("cookie", "ck-1")))
    sent = prepare(observation, RULES, NOW, expired=(expired,))
    sent = replace(sent, normalized=replace(sent.normalized, dropped=(*sent.normalized.dropped, suppressed)))
    # when
    left = admitted(sent, frozenset({"cookie=ck-1"}), RULES)
    # then
    assert isinstance(left, Observe)
    codes = [dropped.code.value for dropped in left.normalized.dropped]
    assert codes == ["EXPIRED", "SUPPRESSED", "CONSENT_REQUIRED"]
    assert left.expired == (expired,)
