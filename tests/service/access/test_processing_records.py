"""The record of processing says what is configured: keys, issuers, sources, labels, measures; and nothing else."""

from pathlib import Path
from typing import Any

from graph.domain.access.policies import Policy
from graph.domain.access.processing_record import ProcessingRecord, Reader, RetentionRecord, SourceRecord
from graph.domain.model.facts import FactKind
from graph.domain.model.labels import Label
from graph.domain.model.retention import Retention, RetentionRule
from graph.identity_graph import IdentityGraph
from graph.stores.sqlite import SQLiteStore
from service.access import access_file
from service.access.processing_records import ServiceProcessingRecords
from service.access.stored_keys import KeyAdministration
from service.bootstrap import SystemClock, currencies
from service.config import attributes_file, rules_file
from service.config.settings import Settings
from service.runtime.ids import RandomIds
from tests.builders.runs import Run

ACCESS = """
[[policy]]
label = "contact"
purpose = "marketing"
needs_consent = "newsletter"

[[issuer]]
issuer = "https://id.example.com"
audience = "kith"
algorithms = ["ES256"]
role_claim = "role"
roles = {clerks = "desk"}
purposes = ["service"]

[[issuer.client]]
id = "app"
role = "storefront"
sources = ["app"]
purposes = ["self_service"]
"""
RULES = rules_file.default_text() + '\n[[source]]\nname = "crm"\ncountry = "DE"\n'
RETENTION = Retention(
    (RetentionRule(days=395, reason="guidance on cookies", namespace="cookie"),),
    (RetentionRule(days=3650, reason="tax law", kind=FactKind.ORDER),),
)
NOW = 1_767_600_000_000_000


def made(
    run: Run, tmp_path: Path, keys: list[tuple[Any, ...]], audited: bool = True, **settings: Any
) -> ProcessingRecord:
    tmp_path.mkdir(exist_ok=True)
    store = SQLiteStore(tmp_path / "kith.db")
    run(store.migrate())
    administration = KeyAdministration(store, lambda: NOW)
    for key in keys:
        run(administration.add(*key))
    run(administration.add("gone", "privacy"))
    run(administration.revoke("gone"))
    catalog = attributes_file.parse(
        '[[attribute]]\nname = "family_name"\nprecedence = "source_priority"\nsources = ["crm"]'
    )
    graph = IdentityGraph(
        store,
        rules_file.parse(RULES),
        SystemClock(),
        RandomIds(),
        currencies(),
        rules_file.parse,
        catalog=catalog,
        retention=RETENTION,
    )
    records = ServiceProcessingRecords(
        graph, store, access_file.parse(ACCESS), Settings(_env_file=None, **settings), lambda: NOW, audited
    )
    record = run(records.record())
    run(store.close())
    return record


def test_callers_that_may_read_people_are_named_with_their_purposes(run: Run, tmp_path: Path) -> None:
    # given: a loader reads nobody
    keys = [("till-7", "till", ["till"], ["checkout"]), ("loader", "ingest", ["shop"], ["loading"])]
    # when
    record = made(run, tmp_path, keys, api_keys="dpo:privacy:dpo-0123456789abcdef")
    # then
    assert record.readers == (
        Reader("till-7", "till", ("checkout",)),
        Reader("dpo", "privacy"),
        Reader("https://id.example.com|app", "storefront", ("self_service",)),
        Reader("https://id.example.com", "desk", ("service",)),
    )
    assert [role.name for role in record.roles] == ["storefront", "till", "desk", "privacy"]
    assert [recorded.purpose.name for recorded in record.purposes] == [
        "newsletter",
        "profiling",
        "third_party_sharing",
        "checkout",
        "marketing",
        "self_service",
        "service",
    ]
    assert record.purposes[4].policies == (Policy(Label.CONTACT, "marketing", "newsletter"),)


def test_sources_and_data_are_those_of_the_configuration(run: Run, tmp_path: Path) -> None:
    # when
    record = made(run, tmp_path, [("till-7", "till", ["till"], ["checkout"])])
    # then
    assert record.sources == (
        SourceRecord("crm", ("rules.toml", "attributes.toml")),
        SourceRecord("till", ("key till-7",)),
    )
    labels = {data.label: (data.namespaces, data.attributes) for data in record.data}
    assert labels["contact"] == (("email", "hashed_email", "phone"), ("address",))
    assert "gender" in labels[""][1]
    assert [channel.name for channel in record.channels][:2] == ["EMAIL", "PHONE"]
    assert (record.at, record.segments) == (NOW, ())


def test_measures_are_those_in_effect(run: Run, tmp_path: Path) -> None:
    # when
    kept = made(run, tmp_path / "a", [], audit_days=90, min_count=25, audit_checkpoints="/mnt/elsewhere")
    none = made(run, tmp_path / "b", [], audited=False)
    # then
    texts = {measure.name: measure.text for measure in kept.measures}
    assert "for 90 days" in texts["accountability"]
    assert "kept elsewhere" in texts["accountability"]
    assert texts["erasure"] == "None: there are no keys for erasures (KITH_ERASURE_KEYS)."
    assert "fewer than 25 customers" in texts["data minimization"]
    periods = (
        RetentionRecord("namespace cookie", 395, "guidance on cookies"),
        RetentionRecord("kind order", 3650, "tax law", minimum=True),
    )
    assert kept.retention == (*periods, RetentionRecord("content of the audit log", 90, "KITH_AUDIT_DAYS"))
    assert {measure.name: measure.text for measure in none.measures}["accountability"] == "None: no audit log is kept."
    assert none.retention == periods
    # and: Kith does not claim what the operator does
    assert [measure.name for measure in kept.measures if not measure.by_kith] == [
        "access to the machine",
        "encryption",
        "backups",
    ]
