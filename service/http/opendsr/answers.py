"""The bodies of OpenDSR: what is answered and sent to controllers."""

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from graph.domain.model.times import iso
from service.config.opendsr_file import OpenDSRSettings
from service.http.opendsr.register import RegisteredRequest
from service.http.opendsr.requests import ERASURE, TYPES, VERSIONS, Fault, Version

PATH = "/opendsr"
CERTIFICATE = f"{PATH}/certificate.pem"


class Answers:
    """Makes the bodies for the settings of a service."""

    def __init__(self, settings: OpenDSRSettings) -> None:
        self._settings = settings

    def discovery(self, version: Version, namespaces: Iterable[str]) -> dict[str, Any]:
        """Return what is supported: identities whose namespace the rules have."""
        known = frozenset(namespaces)
        return {
            "api_version": version.name,
            "supported_identities": [
                {"identity_type": type, "identity_format": format}
                for (type, format), namespace in self._settings.identities.items()
                if namespace in known
            ],
            "supported_subject_request_types": list(TYPES),
            "processor_certificate": f"https://{self._settings.domain}{CERTIFICATE}",
        }

    def created(self, request: RegisteredRequest, body: bytes) -> dict[str, Any]:
        """Return the answer to a request that was received."""
        return {
            "controller_id": self._settings.controller_id,
            "expected_completion_time": iso(request.due),
            "received_time": iso(request.received),
            "encoded_request": base64.b64encode(body).decode(),
            "subject_request_id": request.id,
        }

    def status(self, request: RegisteredRequest) -> dict[str, Any]:
        """Return the status of a request."""
        version = VERSIONS[request.version]
        return {
            "controller_id": self._settings.controller_id,
            "expected_completion_time": iso(request.due),
            "subject_request_id": request.id,
            "group_id": request.group or None,
            "request_status": request.status,
            "api_version": version.name,
            "results_url": self._results_url(request, version),
            "results_count": request.results,
        }

    def canceled(self, request: RegisteredRequest) -> dict[str, Any]:
        """Return the answer to a cancellation."""
        return {
            "controller_id": self._settings.controller_id,
            "subject_request_id": request.id,
            "received_time": iso(request.ended or request.received),
            "api_version": VERSIONS[request.version].name,
        }

    def callback(self, request: RegisteredRequest, url: str, status: str) -> dict[str, Any]:
        """Return what an address is notified of."""
        return {**self.status(request), "request_status": status, "status_callback_url": url}

    def headers(self, version: Version, signature: str) -> Mapping[str, str]:
        """Return the headers of a signed body."""
        return {
            f"{version.prefix}-Processor-Domain": self._settings.domain,
            f"{version.prefix}-Signature": signature,
        }

    def _results_url(self, request: RegisteredRequest, version: Version) -> str | None:
        if request.status != "completed" or request.type == ERASURE or not request.sealed:
            return None
        path = f"{PATH}/v{version.major}/{version.collection}/{request.id}/results"
        return f"https://{self._settings.domain}{path}"


def error(status: int, faults: Iterable[Fault], version: Version) -> dict[str, Any]:
    """Return the body of an error. In version 3 it is not wrapped."""
    details = [
        {"domain": "Validation" if status == 400 else "Request", "reason": fault.code, "message": fault.message}
        for fault in faults
    ]
    body = {"code": status, "message": details[0]["message"], "errors": details}
    return body if version.major >= 3 else {"error": body}
