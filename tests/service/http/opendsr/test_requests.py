"""Requests of the three versions, and what is wrong with others: all at once, and without a value of the person."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.config import rules_file
from service.config.opendsr_file import DEFAULT_IDENTITIES
from service.http.opendsr.requests import VERSIONS, InvalidRequest, RequestReader, SubjectRequest

DOMAIN = "opendsr.shop.example"
RULES = rules_file.parse(rules_file.default_text())
NOW = 1_767_600_000_000_000
ID = "a7551968-d5d6-44b2-9831-815ac9017798"
BODY: dict[str, Any] = {
    "regulation": "gdpr",
    "subject_request_id": ID,
    "subject_request_type": "erasure",
    "submitted_time": "2026-01-02T15:00:00Z",
    "subject_identities": [
        {"identity_type": "email", "identity_value": "Anna@Example.com", "identity_format": "raw"},
        {"identity_type": "ios_advertising_id", "identity_value": "EA7583CD-A667", "identity_format": "raw"},
    ],
    "api_version": "2.0",
    "status_callback_urls": ["https://dsr.controller.example/callbacks"],
    "extensions": {"opendsr.other.example": {"anything": 1}},
}


def reader() -> RequestReader:
    identities = {
        (type.partition(":")[0], type.partition(":")[2] or "raw"): namespace
        for type, namespace in DEFAULT_IDENTITIES.items()
    }
    return RequestReader(DOMAIN, identities, frozenset({"dsr.controller.example"}), RULES.key, lambda: NOW)


def read(version: int = 2, **changes: Any) -> SubjectRequest:
    body = {name: value for name, value in {**BODY, **changes}.items() if value is not None}
    return reader().read(body, VERSIONS[version])


def faults(version: int = 2, **changes: Any) -> list[str]:
    with pytest.raises(InvalidRequest) as failure:
        read(version, **changes)
    return [fault.message for fault in failure.value.faults]


def test_a_request_names_the_person_by_identifiers() -> None:
    request = read(group_id="march")
    assert request.keys == ("email=anna@example.com", "device=ea7583cd-a667")
    assert (request.id, request.type, request.regulation, request.group) == (ID, "erasure", "gdpr", "march")
    assert request.submitted == 1_767_366_000_000_000
    assert request.callbacks == ("https://dsr.controller.example/callbacks",)


def test_hashed_identities_have_namespaces_of_their_own() -> None:
    identity = {"identity_type": "email", "identity_value": "ab" * 32, "identity_format": "sha256"}
    assert read(subject_identities=[identity]).keys == (f"hashed_email={'ab' * 32}",)


def test_version_1_has_no_regulation_and_version_3_an_object_of_identities() -> None:
    assert read(1, regulation=None, api_version="1.0").regulation == ""
    identities = {"email": {"value": "anna@example.com", "encoding": "raw"}}
    assert read(3, api_version="3.0", subject_identities=identities).keys == ("email=anna@example.com",)


def test_an_extension_names_identifiers_of_any_namespace() -> None:
    own = {DOMAIN: {"identifiers": [{"namespace": "loyalty_card", "value": "12-34 56"}]}}
    assert read(subject_identities=None, extensions=own).keys == ("loyalty_card=123456",)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"regulation": None}, "regulation is required"),
        ({"regulation": "lgpd"}, "regulation must be one of gdpr, ccpa"),
        ({"subject_request_id": None}, "subject_request_id is required"),
        ({"subject_request_id": ID.upper()}, "must be a UUID of version 4 in lower case"),
        ({"subject_request_id": ID.replace("-44b2", "-14b2")}, "must be a UUID of version 4"),
        ({"subject_request_type": "rectification"}, "must be one of access, portability, erasure"),
        ({"subject_request_type": 7}, "subject_request_type must be a text"),
        ({"submitted_time": "yesterday"}, "submitted_time must be a time"),
        ({"submitted_time": "2026-02-01T00:00:00Z"}, "submitted_time is in the future"),
        ({"api_version": "1.0"}, "api_version must be one of 2.0"),
        ({"subject_identities": None}, "subject_identities is required"),
        ({"subject_identities": []}, "subject_identities is required"),
        ({"subject_identities": {}}, "subject_identities must be a list"),
        ({"subject_identities": ["anna"]}, "subject_identities must be a list"),
        ({"subject_identities": [{"identity_type": "fax", "identity_format": "raw"}]}, "/discovery does not name"),
        (
            {"subject_identities": [{"identity_type": "email", "identity_format": "raw", "identity_value": 7}]},
            "subject_identities[0] must have a value",
        ),
        ({"status_callback_urls": ["http://dsr.controller.example"]}, "status_callback_urls[0] is not an https"),
        ({"status_callback_urls": ["https://169.254.169.254/"]}, "callback_hosts does not name"),
        ({"status_callback_urls": "https://dsr.controller.example"}, "must be a list"),
        ({"extensions": []}, "extensions must be an object"),
        ({"extensions": {DOMAIN: {"identifiers": "anna"}}}, "must be a list"),
        ({"extensions": {DOMAIN: {"identifiers": [{}]}}}, "must have a namespace and a value"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], reason: str) -> None:
    (message,) = faults(**changes)
    assert reason in message


def test_everything_that_is_wrong_is_named_at_once_without_the_value() -> None:
    # given
    identity = {"identity_type": "email", "identity_value": "not an address", "identity_format": "raw"}
    # when
    messages = faults(regulation=None, submitted_time=None, subject_identities=[identity])
    # then
    assert len(messages) == 3
    assert "not an address" not in "".join(messages)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["raw", "email", "erasure", ID]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
identities = st.lists(
    st.dictionaries(st.sampled_from(["identity_type", "identity_format", "identity_value", "value"]), json_values)
)


@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(BODY, json_values) | {"subject_identities": identities}),
    st.sampled_from(sorted(VERSIONS)),
)
def test_whatever_is_sent_is_read_or_refused(changes: dict[str, Any], version: int) -> None:
    with suppress(InvalidRequest):
        assert reader().read({**BODY, **changes}, VERSIONS[version]).keys


@pytest.mark.parametrize("body", [None, [], "text", 7])
def test_a_body_that_is_not_an_object_is_refused(body: Any) -> None:
    with pytest.raises(InvalidRequest, match="must be a JSON object"):
        reader().read(body, VERSIONS[2])
