"""The record of processing: which purposes there are, who may act for them, and what is missing."""

from graph.domain.access.policies import Policy
from graph.domain.access.processing_record import AudienceRecord, Gap, Reader, gaps, recorded_purposes
from graph.domain.model.labels import Label
from graph.domain.profile.purposes import REQUIRED, Controller, LegalBasis, Purpose

COMPLETE = Purpose(
    "newsletter",
    "Letters about offers",
    LegalBasis.CONSENT,
    data_subjects=("customers",),
    data_categories=("email addresses",),
    recipients=(),
    retention="until consent is withdrawn",
)
CONTROLLER = Controller("Berg GmbH", "privacy@berg.example")


def test_purposes_have_their_callers_and_policies() -> None:
    # given
    mailer, till = Reader("mailer", "desk", ("newsletter",)), Reader("till-7", "till", ("checkout", "newsletter"))
    policy = Policy(Label.CONTACT, "newsletter", "newsletter")
    # when
    newsletter, checkout = recorded_purposes([COMPLETE], ["newsletter"], [mailer, till], [policy], {})
    # then
    assert (newsletter.purpose, newsletter.declared) == (COMPLETE, True)
    assert (newsletter.readers, newsletter.policies) == ((mailer, till), (policy,))
    assert (checkout.purpose.name, checkout.declared, checkout.readers) == ("checkout", False, (till,))


def test_a_purpose_that_only_a_policy_names_is_recorded() -> None:
    (marketing,) = recorded_purposes([], [], [], [Policy(Label.CONTACT, "marketing", "newsletter")], {})
    assert (marketing.purpose.name, marketing.declared) == ("marketing", False)


def test_a_purpose_for_which_decisions_are_recorded_is_there_without_a_declaration() -> None:
    (profiling,) = recorded_purposes([], ["profiling"], [], [], {})
    assert (profiling.purpose, profiling.declared) == (Purpose("profiling"), False)


def test_what_is_sent_for_a_purpose_is_recorded_with_it() -> None:
    # given
    sent = AudienceRecord("newsletter-tool", "webhook", "Frequent buyers", "EMAIL", ("email",), ("given_name",))
    # when
    newsletter, ads = recorded_purposes([COMPLETE], [], [], [], {"newsletter": [sent], "ads": [sent]})
    # then
    assert (newsletter.audiences, ads.audiences) == ((sent,), (sent,))
    assert (ads.purpose.name, ads.declared) == ("ads", False)


def test_nothing_is_missing_from_a_complete_declaration() -> None:
    reader = Reader("mailer", "desk", ("newsletter",))
    assert gaps(CONTROLLER, recorded_purposes([COMPLETE], ["newsletter"], [reader], [], {}), [reader]) == ()


def test_what_nobody_declares_is_named() -> None:
    # given
    readers = [Reader("till-7", "till", ("checkout",)), Reader("desk-1", "desk")]
    # when
    found = gaps(Controller(), recorded_purposes([Purpose("newsletter")], [], readers, [], {}), readers)
    # then
    assert found == (
        Gap("controller", "name"),
        Gap("controller", "contact"),
        *(Gap("purpose newsletter", name) for name in REQUIRED),
        Gap("purpose checkout", "declaration"),
        Gap("caller desk-1", "purpose"),
    )
