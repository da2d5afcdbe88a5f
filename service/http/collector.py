"""The paths and documents of event SDKs: those of Segment, RudderStack and Jitsu, and of what copies them."""

import re
from typing import Any

from starlette.requests import Request

_NAMES = ("track", "page", "screen", "identify", "group", "alias")
TYPES = {**{name[0]: name for name in _NAMES}, **{name: name for name in _NAMES}}
"""The type of an event by the last part of its path."""
_EVENTS = re.compile(rf"/(?:v1|api/s(?:/s2s)?)/(?P<type>{'|'.join(sorted(TYPES, key=len, reverse=True))})/?")
_BATCHES = re.compile(r"/(?:v1/batch|v1/b|v1/import|beacon/v1/batch|api/s/batch)/?")
_SETTINGS = re.compile(r"/v1/projects/(?P<key>[A-Za-z0-9._~-]{1,200})/settings/?")
_SOURCE_CONFIG = re.compile(r"/sourceConfig/?")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,60}")


def is_path(path: str) -> bool:
    """Return whether a path is one of an event SDK."""
    patterns = (_EVENTS, _BATCHES, _SETTINGS, _SOURCE_CONFIG)
    return any(pattern.fullmatch(path) is not None for pattern in patterns)


def is_header_name(name: str) -> bool:
    """Return whether a text can be the name of a header."""
    return _HEADER.fullmatch(name) is not None


def is_https(request: Request) -> bool:
    """Return whether a request came over https: TLS may end at a proxy, and pages on https reach nothing else."""
    return request.url.scheme == "https" or request.headers.get("Origin", "").startswith("https://")


def completed(content: Any, path: str) -> Any:
    """Return a single event with the type that its path tells, if it has none."""
    found = _EVENTS.fullmatch(path)
    if found is not None and isinstance(content, dict) and "batch" not in content and not content.get("type"):
        return {**content, "type": TYPES[found["type"]]}
    return content


def without_keys(content: Any) -> Any:
    """Return what an SDK sent without the write key: a record that is refused is kept as it is, for people to see."""
    if not isinstance(content, dict):
        return content
    if isinstance(batch := content.get("batch"), list):
        content = {**content, "batch": [_without_key(event) for event in batch]}
    return _without_key(content)


def _without_key(event: Any) -> Any:
    if not isinstance(event, dict) or "writeKey" not in event:
        return event
    return {name: value for name, value in event.items() if name != "writeKey"}


def settings(path: str, request: Request) -> Any:
    """Return the document that an SDK reads before it sends anything; `None` if the path is none of them."""
    if found := _SETTINGS.fullmatch(path):
        return _segment_settings(found["key"], request)
    if _SOURCE_CONFIG.fullmatch(path):
        return _rudder_config(request.query_params.get("writeKey", ""))
    return None


def _segment_settings(key: str, request: Request) -> Any:
    base = f"{request.url.netloc}{request.url.path.partition('/v1/projects/')[0]}/v1"
    enabled = {"enabled": True, "integrations": {}}
    return {
        "integrations": {
            "Segment.io": {
                "apiKey": key,
                "apiHost": base,
                "protocol": "https" if is_https(request) else "http",
                "unbundledIntegrations": [],
                "addBundledMetadata": True,
                "maybeBundledConfigIds": {},
                "versionSettings": {"version": "4.4.7", "componentTypes": ["browser"]},
            }
        },
        "plan": {"track": {"__default": enabled}, "identify": {"__default": enabled}, "group": {"__default": enabled}},
        "edgeFunction": {},
        "analyticsNextEnabled": True,
        "middlewareSettings": {},
        "enabledMiddleware": {},
        "metrics": {"sampleRate": 0},
        "legacyVideoPluginsEnabled": False,
        "remotePlugins": [],
        "autoInstrumentationSettings": {"disableTraffic": True, "sampleRate": 0},
    }


def _rudder_config(key: str) -> Any:
    return {
        "source": {
            "id": "kith",
            "name": "kith",
            "writeKey": key,
            "enabled": True,
            "config": {"statsCollection": {"errors": {"enabled": False}, "metrics": {"enabled": False}}},
            "workspaceId": "kith",
            "sourceDefinition": {"name": "Javascript"},
            "destinations": [],
            "connections": [],
            "dataplanes": {},
        },
        "updatedAt": "2026-01-01T00:00:00.000Z",
    }
