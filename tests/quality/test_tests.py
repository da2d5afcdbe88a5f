"""Tests are where a reader looks for them, and do not import one another.

A module has its test at the same path under `tests`. A module that a journey, the conformance suite or the test of a
neighbor covers needs none: `COVERED_BY` names that test. Tests that share helpers have them in `tests/builders`.
"""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
FOLDERS = (
    "graph/domain",
    "graph/commands",
    "graph/queries",
    "graph/bulk",
    "graph/transfer",
    "graph/verification",
    "graph/runtime",
    "schema/execution",
    "schema/shared",
    "service",
)
"""Folders whose modules need a test. Others: the conformance suite tests stores, journeys test GraphQL's types."""
COVERED_BY = {
    "graph/commands/sending.py": "conformance/test_audiences.py",
    "service/export/table_reading.py": "conformance/test_table_export.py",
    "graph/domain/model/change_filter.py": "conformance/test_change_filters.py",
    "graph/queries/filtered_feed.py": "conformance/test_change_filters.py",
    "service/cli/connector_source.py": "service/cli/test_singer.py",
    "service/destinations/snapshot_sender.py": "conformance/test_snapshots.py",
    "service/destinations/files/manifest.py": "service/destinations/files/test_adapter.py",
    "service/connectors/batches.py": "service/connectors/test_singer_target.py",
    "service/connectors/file_intake.py": "service/cli/test_mapped_import.py",
    "service/connectors/record_files.py": "service/cli/test_mapped_import.py",
    "graph/bulk/by_row.py": "conformance/test_loading.py",
    "graph/bulk/collect.py": "conformance/test_loading.py",
    "graph/bulk/column_portions.py": "graph/stores/sqlite/test_bulk_rows.py",
    "graph/bulk/columns.py": "conformance/test_loading.py",
    "graph/bulk/evidence.py": "graph/bulk/test_resolution.py",
    "graph/bulk/guards.py": "graph/bulk/test_resolution.py",
    "graph/bulk/keys.py": "conformance/test_loading.py",
    "graph/bulk/link_order.py": "graph/bulk/test_resolution.py",
    "graph/bulk/numbering.py": "conformance/test_loading.py",
    "graph/bulk/result.py": "conformance/test_loading.py",
    "graph/bulk/sharing.py": "graph/bulk/test_resolution.py",
    "graph/domain/resolution/plan.py": "graph/domain/resolution/test_bounded_steps.py",
    "graph/domain/model/email_events.py": "graph/domain/profile/test_deliverability.py",
    "service/brokers/kafka.py": "brokers/test_kafka.py",
    "service/brokers/nats.py": "brokers/test_nats.py",
    "service/config/broker_settings.py": "brokers/test_kafka.py",
    "service/destinations/adapter.py": "service/destinations/test_sender.py",
    "service/destinations/types.py": "service/destinations/test_destinations.py",
    "graph/commands/audiences.py": "conformance/test_audiences.py",
    "graph/commands/batch.py": "journeys/test_bad_input.py",
    "graph/commands/bulk_suppression.py": "service/ingest/test_backfill.py",
    "graph/commands/commit.py": "conformance/test_model.py",
    "graph/commands/consent_gate.py": "journeys/test_consent_gate.py",
    "graph/commands/consent_texts.py": "journeys/test_consent_proof.py",
    "graph/commands/history_cleaning.py": "journeys/test_retention.py",
    "graph/commands/observe.py": "journeys/test_customer.py",
    "graph/commands/overrides.py": "journeys/test_idempotency.py",
    "graph/commands/products.py": "journeys/test_products.py",
    "graph/commands/restrictions.py": "journeys/test_restriction.py",
    "graph/commands/retention.py": "journeys/test_retention.py",
    "graph/commands/revoke.py": "journeys/test_customer.py",
    "graph/commands/rules_control.py": "journeys/test_rules.py",
    "graph/commands/search_texts.py": "journeys/test_search.py",
    "graph/commands/segment_counts.py": "access/test_counts.py",
    "graph/commands/segments.py": "journeys/test_segments.py",
    "graph/commands/snapshots.py": "conformance/test_snapshots.py",
    "graph/commands/source_revocations.py": "conformance/test_source_revocations.py",
    "graph/commands/undo_merge.py": "journeys/test_overrides.py",
    "graph/commands/erasures.py": "journeys/test_erasure.py",
    "graph/commands/suppression.py": "graph/commands/test_erase.py",
    "graph/domain/access/decision_log.py": "journeys/test_consent_proof.py",
    "graph/domain/model/erasures.py": "journeys/test_erasure.py",
    "graph/domain/privacy/erased_history.py": "graph/commands/test_erase.py",
    "graph/domain/privacy/erasure_plan.py": "journeys/test_erasure.py",
    "graph/domain/profile/consent_texts.py": "journeys/test_consent_proof.py",
    "graph/domain/resolution/erased.py": "graph/commands/test_erase.py",
    "graph/queries/consent_proof.py": "journeys/test_consent_proof.py",
    "graph/queries/mentions.py": "journeys/test_erasure.py",
    "graph/domain/access/roles.py": "access/test_matrix.py",
    "graph/domain/access/scopes.py": "schema/execution/test_access.py",
    "graph/domain/access/viewer.py": "access/test_matrix.py",
    "graph/queries/asked_orders.py": "journeys/test_breach.py",
    "graph/queries/evidence.py": "conformance/test_part_views.py",
    "graph/queries/times.py": "journeys/test_event_collector.py",
    "service/connectors/check.py": "service/cli/test_connector.py",
    "service/connectors/draft.py": "service/cli/test_connector.py",
    "service/connectors/intake.py": "journeys/test_event_collector.py",
    "service/connectors/mapping.py": "service/connectors/test_mapping_file.py",
    "service/connectors/toml_lines.py": "service/connectors/test_mapping_file.py",
    "service/connectors/user_agents.py": "service/connectors/test_steps.py",
    "service/destinations/anonymous_ids.py": "service/destinations/test_dmp.py",
    "service/destinations/google_errors.py": "service/destinations/test_google_data_manager.py",
    "service/destinations/google_login.py": "service/destinations/test_google_data_manager.py",
    "service/destinations/meta_errors.py": "service/destinations/test_meta_custom_audiences.py",
    "service/http/collector.py": "journeys/test_event_collector.py",
    "service/http/intake_endpoint.py": "journeys/test_event_collector.py",
    "graph/domain/access/lookup_budget.py": "service/access/test_budgets.py",
    "graph/domain/access/accessed.py": "journeys/test_audit.py",
    "graph/domain/access/audit.py": "journeys/test_audit.py",
    "graph/domain/model/audiences.py": "graph/domain/audiences/test_ledger.py",
    "graph/domain/export/document.py": "service/cli/test_subject.py",
    "graph/domain/export/figures.py": "journeys/test_export.py",
    "graph/domain/export/statements.py": "graph/domain/export/test_subject.py",
    "graph/domain/model/changes.py": "graph/domain/resolution/test_incremental.py",
    "graph/domain/model/errors.py": "journeys/test_bad_input.py",
    "graph/domain/model/expiry_counts.py": "journeys/test_retention.py",
    "graph/domain/model/facts.py": "conformance/test_facts.py",
    "graph/domain/model/idempotency.py": "journeys/test_idempotency.py",
    "graph/domain/model/identifiers.py": "journeys/test_customer.py",
    "graph/domain/model/interaction_counts.py": "graph/domain/profile/test_engagement.py",
    "graph/domain/model/labels.py": "graph/domain/access/test_policies.py",
    "graph/domain/model/observations.py": "journeys/test_bad_input.py",
    "graph/domain/model/order_totals.py": "graph/domain/profile/test_metrics.py",
    "graph/domain/model/overrides.py": "graph/domain/resolution/test_resolution.py",
    "graph/domain/model/person_names/common_names.py": "graph/domain/model/person_names/test_short_forms.py",
    "graph/domain/model/person_names/dutch.py": "graph/domain/model/person_names/test_short_forms.py",
    "graph/domain/model/person_names/english.py": "graph/domain/model/person_names/test_short_forms.py",
    "graph/domain/model/person_names/german.py": "graph/domain/model/person_names/test_short_forms.py",
    "graph/domain/model/person_names/other_languages.py": "graph/domain/model/person_names/test_short_forms.py",
    "graph/domain/model/person_names/polish.py": "graph/domain/model/person_names/test_short_forms.py",
    "graph/domain/model/restrictions.py": "journeys/test_restriction.py",
    "graph/domain/model/categories.py": "journeys/test_products.py",
    "graph/domain/model/money.py": "journeys/test_products.py",
    "graph/domain/model/products.py": "journeys/test_products.py",
    "graph/domain/profile/favorites.py": "journeys/test_products.py",
    "graph/domain/model/receipts.py": "graph/domain/resolution/test_intake.py",
    "graph/domain/model/rules.py": "service/config/test_rules_file.py",
    "graph/domain/model/segments.py": "conformance/test_segments.py",
    "graph/domain/model/store_values.py": "graph/domain/resolution/test_overlay.py",
    "graph/domain/model/stored_records.py": "service/backup/test_archive.py",
    "graph/domain/privacy/subject_requests.py": "journeys/test_opendsr.py",
    "graph/domain/profile/external_segments.py": "journeys/test_external_segments.py",
    "graph/domain/profile/insights.py": "conformance/test_segments.py",
    "graph/domain/profile/interactions.py": "journeys/test_timeline.py",
    "graph/domain/profile/pages.py": "conformance/test_facts.py",
    "graph/domain/profile/purposes.py": "service/config/test_attributes_file.py",
    "graph/domain/profile/timeline.py": "conformance/test_facts.py",
    "graph/domain/resolution/bridges.py": "graph/domain/resolution/test_explanation.py",
    "graph/domain/resolution/chains.py": "graph/domain/resolution/test_explanation.py",
    "graph/domain/resolution/customer_ids.py": "graph/domain/model/test_customers.py",
    "graph/domain/privacy/expired_history.py": "graph/commands/test_expire.py",
    "graph/domain/resolution/groups.py": "graph/domain/resolution/test_incremental.py",
    "graph/domain/resolution/health.py": "journeys/test_health.py",
    "graph/domain/resolution/preparation.py": "graph/domain/test_commands.py",
    "graph/domain/resolution/replay.py": "graph/domain/resolution/test_incremental.py",
    "graph/domain/segments/metric_conditions.py": "conformance/test_segments.py",
    "graph/queries/explanation.py": "journeys/test_overrides.py",
    "graph/queries/health.py": "journeys/test_health.py",
    "graph/queries/history.py": "journeys/test_history.py",
    "graph/queries/orders.py": "journeys/test_nodes.py",
    "graph/queries/recipients.py": "journeys/test_export.py",
    "graph/queries/rules_preview.py": "journeys/test_rules.py",
    "graph/queries/search.py": "journeys/test_search.py",
    "graph/queries/statistics.py": "journeys/test_rfm.py",
    "graph/queries/subject_export.py": "journeys/test_export.py",
    "graph/transfer/importing.py": "conformance/test_transfer.py",
    "graph/verification/collect.py": "conformance/test_verification.py",
    "graph/verification/customers.py": "conformance/test_verification.py",
    "graph/verification/evidence.py": "conformance/test_verification.py",
    "graph/verification/findings.py": "conformance/test_verification.py",
    "graph/verification/grouping.py": "conformance/test_verification.py",
    "graph/verification/repair.py": "conformance/test_verification.py",
    "graph/verification/scratch.py": "conformance/test_verification.py",
    "graph/verification/verify.py": "conformance/test_verification.py",
    "schema/execution/compiled/awaiting.py": "schema/execution/test_compiled.py",
    "schema/execution/compiled/codegen.py": "schema/execution/compiled/test_arguments.py",
    "schema/execution/compiled/completion.py": "schema/execution/test_compiled.py",
    "schema/execution/compiled/fast_objects.py": "journeys/test_products.py",
    "schema/execution/compiled/fields.py": "schema/execution/test_compiled.py",
    "schema/execution/compiled/plans.py": "schema/execution/test_compiled.py",
    "schema/execution/compiled/scalars.py": "schema/execution/test_compiled.py",
    "schema/execution/documents.py": "schema/execution/test_runner.py",
    "schema/execution/limits.py": "schema/execution/test_runner.py",
    "schema/shared/connections.py": "conformance/test_round_trips.py",
    "schema/shared/consent_enums.py": "journeys/test_consent_proof.py",
    "schema/shared/context.py": "schema/execution/test_runner.py",
    "schema/shared/cursors.py": "journeys/test_cursors.py",
    "schema/shared/customer_pages.py": "journeys/test_customer.py",
    "schema/shared/derived_fields.py": "conformance/test_round_trips.py",
    "schema/shared/enums.py": "quality/test_docs.py",
    "schema/shared/evidence_tier.py": "quality/test_docs.py",
    "schema/shared/link_reason_code.py": "quality/test_docs.py",
    "schema/shared/loaders.py": "journeys/test_nodes.py",
    "schema/shared/lookahead.py": "conformance/test_round_trips.py",
    "schema/shared/observation_status.py": "journeys/test_consent_proof.py",
    "schema/shared/problem_codes.py": "quality/test_docs.py",
    "schema/shared/problems.py": "journeys/test_bad_input.py",
    "schema/shared/property_condition.py": "journeys/test_timeline.py",
    "schema/shared/reach.py": "quality/test_docs.py",
    "schema/shared/required_scopes.py": "schema/execution/test_access.py",
    "schema/shared/visitors.py": "schema/execution/test_compiled.py",
    "service/__main__.py": "service/cli/test_main.py",
    "service/access/signed_in.py": "service/access/test_keys.py",
    "service/audit/audit.py": "service/audit/test_checkpoints.py",
    "service/audit/decisions.py": "journeys/test_consent_proof.py",
    "service/audit/files.py": "service/audit/test_reader.py",
    "service/audit/key.py": "service/audit/test_checkpoints.py",
    "service/audit/ocsf.py": "journeys/test_audit.py",
    "service/audit/recorder.py": "journeys/test_audit.py",
    "service/cli/audit.py": "api_external/test_audit.py",
    "service/cli/decision_log.py": "service/cli/test_consent.py",
    "service/cli/dry_run.py": "service/cli/test_ingest.py",
    "service/cli/operator.py": "api_external/test_audit.py",
    "service/cli/previews.py": "service/cli/test_sources.py",
    "service/cli/rules.py": "service/cli/test_main.py",
    "service/cli/shared.py": "service/cli/test_main.py",
    "service/destinations/cloud_event.py": "service/destinations/test_cloudevents.py",
    "service/destinations/endpoint_adapter.py": "service/destinations/test_webhook.py",
    "service/destinations/endpoints.py": "service/destinations/test_webhook.py",
    "service/destinations/kafka.py": "brokers/test_kafka_destination.py",
    "service/destinations/kafka_settings.py": "brokers/test_kafka_destination.py",
    "service/destinations/nats.py": "brokers/test_nats_destination.py",
    "service/destinations/nats_settings.py": "brokers/test_nats_destination.py",
    "service/destinations/messages.py": "service/destinations/test_webhook.py",
    "service/destinations/webhook_signatures.py": "service/destinations/test_webhook.py",
    "service/http/error_format.py": "service/http/test_graphql_endpoint.py",
    "service/http/graphql_request.py": "service/http/test_graphql_endpoint.py",
    "service/http/opendsr/answers.py": "journeys/test_opendsr.py",
    "service/http/opendsr/endpoint.py": "journeys/test_opendsr.py",
    "service/http/opendsr/graph_actions.py": "journeys/test_opendsr.py",
    "service/http/opendsr/service.py": "journeys/test_opendsr.py",
    "service/http/websockets.py": "api_external/test_subscriptions.py",
    "service/ingest/bulk_consent_gate.py": "journeys/test_consent_gate.py",
    "service/ingest/line_collector.py": "service/ingest/test_backfill.py",
    "service/ingest/raw_lines.py": "service/ingest/test_file_formats.py",
    "service/ingest/record_fields.py": "service/ingest/test_records.py",
    "service/ingest/record_kinds.py": "service/ingest/test_records.py",
    "service/ingest/text_lines.py": "service/ingest/test_text_encoding.py",
    "service/ingest/xlsx_cells.py": "service/ingest/test_xlsx_rows.py",
    "service/observability/error_codes.py": "service/observability/test_requests.py",
    "service/observability/graph_metrics.py": "service/http/test_metrics_endpoint.py",
    "service/privacy/check_values.py": "service/privacy/test_safeguards.py",
    "service/privacy/ledger_entries.py": "service/privacy/test_ledger.py",
    "service/runtime/broker_errors.py": "brokers/test_nats.py",
    "service/runtime/kafka_connection.py": "brokers/test_kafka.py",
    "service/runtime/nats_connection.py": "brokers/test_nats.py",
    "service/runtime/tls.py": "brokers/test_kafka.py",
    "service/runtime/hash_chain.py": "service/audit/test_verification.py",
    "service/runtime/model_fitting.py": "journeys/test_real_orders.py",
    "service/ingest/load_portions.py": "service/ingest/test_backfill.py",
    "service/ingest/spark/batches.py": "service/ingest/spark/test_history.py",
    "service/ingest/spark/frames.py": "service/ingest/spark/test_history.py",
    "service/ingest/spark/load.py": "service/ingest/spark/test_history.py",
    "service/ingest/spark/portions.py": "service/ingest/spark/test_history.py",
    "service/ingest/spark/reading.py": "service/ingest/spark/test_history.py",
    "service/ingest/spark/report_lines.py": "service/ingest/spark/test_history.py",
    "service/ingest/spark/resolving.py": "service/ingest/spark/test_history.py",
    "service/ingest/spark/session.py": "service/ingest/spark/test_files.py",
    "service/ingest/spark/statements.py": "service/ingest/spark/test_history.py",
    "service/ingest/spark/tables.py": "service/ingest/spark/test_history.py",
}
"""Modules without a test at the same path, by folder, and the test that covers each."""

MODULES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in FOLDERS
    for path in (ROOT / folder).rglob("*.py")
    if path.name != "__init__.py"
)


def mirrored(module: str) -> Path:
    """The path at which a reader looks for the test of a module."""
    path = TESTS / module
    return path.with_name(f"test_{path.name}")


@cache
def imported(path: Path) -> frozenset[Path]:
    """The files of this repository that a file imports, or runs as a program (`python -m service`)."""
    result: set[Path] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names: list[str] = []
        match node:
            case ast.Import(aliases):
                names = [alias.name for alias in aliases]
            case ast.ImportFrom(module, aliases, level):
                above = path.relative_to(ROOT).parts[:-level] if level else ()
                base = ".".join([*above, *([module] if module else [])])
                names = [base, *(f"{base}.{alias.name}" for alias in aliases)]
            case ast.Constant(str(program)) if program.isidentifier():
                names = [f"{program}.__main__"]
        for name in names:
            place = ROOT.joinpath(*name.split("."))
            result |= {file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()}
    return frozenset(result)


@cache
def reached(path: Path) -> frozenset[Path]:
    """All files of this repository that a file imports, through other files too."""
    seen: set[Path] = set()
    waiting = [path]
    while waiting:
        new = imported(waiting.pop()) - seen
        seen |= new
        waiting += new
    return frozenset(seen)


def test_no_test_imports_another_test() -> None:
    for path in TESTS.rglob("*.py"):
        for file in imported(path):
            name = file.relative_to(ROOT).as_posix()
            assert not file.is_relative_to(TESTS) or file.is_relative_to(TESTS / "builders"), (
                f"{path.relative_to(ROOT)} imports {name}: what tests share is in tests/builders"
            )


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_its_test(module: str) -> None:
    # then: the test is at the mirrored path or in the table, not both
    own, covering = mirrored(module), COVERED_BY.get(module)
    assert own.exists() != (covering is not None), f"{own.relative_to(ROOT)}, or a line in COVERED_BY, and not both"
    # and the test imports the module, if only through other modules
    test = own if covering is None else TESTS / covering
    assert test.is_file(), test
    assert test.name.startswith("test_"), test
    assert ROOT / module in reached(test), f"{test.relative_to(ROOT)} does not import {module}"


def test_every_module_in_the_table_exists() -> None:
    assert sorted(COVERED_BY) == [module for module in MODULES if module in COVERED_BY]
