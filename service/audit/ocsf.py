"""Entries as events of the Open Cybersecurity Schema Framework, class 6003 (API Activity)."""

from typing import Any

from graph.domain.access.audit import AuditEntry
from service.runtime import version

OCSF_VERSION = "1.3.0"
CLASS, CATEGORY = 6003, 6
_ACTIVITIES = {"read": 2, "export": 2, "stream": 2, "write": 3}
"""OCSF's ids of activities: Read and Update; others are 99, Other."""
OTHER = 99
SUCCESS, FAILURE = 1, 2
INFORMATIONAL, LOW = 1, 2


def event(entry: AuditEntry) -> dict[str, Any]:
    """Return the event of an entry."""
    activity = _ACTIVITIES.get(entry.kind, OTHER)
    succeeded = entry.outcome == "OK"
    _, file, number = entry.position
    result: dict[str, Any] = {
        "category_uid": CATEGORY,
        "class_uid": CLASS,
        "activity_id": activity,
        "type_uid": CLASS * 100 + activity,
        "time": entry.time // 1000,
        "severity_id": INFORMATIONAL if succeeded else LOW,
        "status_id": SUCCESS if succeeded else FAILURE,
        "status_code": entry.outcome,
        "metadata": {
            "version": OCSF_VERSION,
            "product": {"name": "Kith", "vendor_name": "Kith", "version": version.number()},
            "uid": f"{file}#{number}",
        },
        "actor": {"user": {"name": entry.caller, "groups": [{"name": entry.role}]}},
        "api": {
            "operation": entry.operation or entry.document or entry.kind,
            "service": {"name": "kith"},
            "request": {"uid": entry.request_id},
        },
        "src_endpoint": {"name": entry.caller, "svc_name": entry.transport},
        "resources": [{"type": "customer", "uid": id} for id in entry.customers],
        "unmapped": {
            "kind": entry.kind,
            "purpose": entry.purpose,
            "reason": entry.reason,
            "document": entry.document,
            "fields": entry.fields,
            "asked": entry.asked,
            "refused": entry.refused,
            "statements": entry.statements,
            "sources": entry.sources,
            "recipients": entry.recipients,
            "events": entry.events,
        },
    }
    if activity == OTHER:
        result["activity_name"] = entry.kind
    return result
