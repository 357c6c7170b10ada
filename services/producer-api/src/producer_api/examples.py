"""An example of each request and answer, by the name of its model, for the OpenAPI description."""

from collections.abc import Mapping
from typing import Any, Final

_ID, _TRACE = "019ab000-0000-7000-8000-000000000001", "4bf92f3577b34da6a3ce929d0e0e4736"
_AT, _LATER = "2026-11-23T12:00:00.123456Z", "2026-11-23T12:00:07.504112Z"
_ADDRESS = f"/api/v1/reports/{_ID}"
_ARTEFACT = {
    "filename": "flights-2013-07.html",
    "media_type": "text/html",
    "size": 48213,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "output": "html",
    "href": f"{_ADDRESS}/artefacts/flights-2013-07.html",
}
_REPORT = {
    "id": _ID,
    "tenant": "acme",
    "owner": "ann",
    "kind": "flights",
    "parameters": {"month": 7},
    "priority": 3,
    "status": "done",
    "version": 19,
    "attempt": 1,
    "cancel_requested": False,
    "not_before": None,
    "kind_paused": False,
    "progress": {"step": "render", "done": 8, "total": 8},
    "error": None,
    "definition": None,
    "outputs": ["html"],
    "artefact": {**_ARTEFACT, "href": f"{_ADDRESS}/artefact"},
    "artefacts": [_ARTEFACT],
    "webhook": None,
    "trace_id": _TRACE,
    "created_at": _AT,
    "updated_at": _LATER,
    "started_at": "2026-11-23T12:00:00.140001Z",
    "finished_at": _LATER,
    "tags": ["month-end"],
    "rerun_of": None,
    "links": {"self": _ADDRESS, "events": f"{_ADDRESS}/events", "page": f"/reports/{_ID}", "rerun_of": None},
}
_KEY = {
    "id": "k3v9x2m8q7ht",
    "name": "the shop's backend",
    "tenant": "acme",
    "owner": "shop",
    "roles": ["requester"],
    "created_by": "root (key a1b2c3d4e5f6)",
    "created_at": _AT,
    "expires_at": None,
    "last_used_at": None,
    "revoked_at": None,
}
_LIMITS = {
    "level": "tenant",
    "tenant": "acme",
    "owner": None,
    "weight": 2,
    "max_queued": 1000,
    "max_running": 10,
    "max_requests_per_minute": None,
    "max_streams": None,
    "max_kept_bytes": None,
}

_SET = {
    "kind": "flights",
    "name": "summer",
    "owner": "ann",
    "parameters": {"month": 7},
    "shared": False,
    "created_at": _AT,
    "updated_at": _LATER,
}

EXAMPLES: Final[Mapping[str, Any]] = {
    "ReportRequest": {"kind": "flights", "parameters": {"month": 7}, "tags": ["month-end"]},
    "ReportResource": _REPORT,
    "ShownReport": {
        **_REPORT,
        "status": "init",
        "version": 1,
        "attempt": 0,
        **dict.fromkeys(("progress", "artefact", "started_at", "finished_at")),
        "artefacts": [],
        "updated_at": _AT,
        "estimate": {
            "position": 12,
            "position_more": False,
            "start_from": "2026-11-23T12:00:20Z",
            "start_to": "2026-11-23T12:00:50Z",
            "end_from": "2026-11-23T12:00:25Z",
            "end_to": "2026-11-23T12:01:02Z",
            "based_on": 50,
        },
    },
    "OperationRequest": {
        "action": "cancel",
        "filter": {"kind": ["flights"], "status": ["init"], "tag": "month-end"},
        "expected": 1500,
    },
    "OperationResource": {
        "id": "019ab000-0000-7000-8000-00000000000e",
        "action": "cancel",
        "state": "done",
        "matched": 1204,
        "matched_more": False,
        "done": 1203,
        "skipped": 1,
        "failed": 0,
        "reasons": [{"report_id": _ID, "outcome": "skipped", "reason": "Its status is done by now."}],
        "error": None,
        "tenant": "acme",
        "owner": "ann",
        "created_at": _AT,
        "updated_at": _LATER,
        "finished_at": _LATER,
        "links": {"self": "/api/v1/operations/019ab000-0000-7000-8000-00000000000e"},
    },
    "ReportPage": {"reports": [_REPORT], "next_cursor": _ID, "searched": None},
    "ArtefactList": {"artefacts": [_ARTEFACT]},
    "ArtefactPreview": {
        "columns": [{"name": "carrier", "type": "text"}, {"name": "flights", "type": "number"}],
        "rows": [["UA", "4923"], ["DL", None]],
        "rows_in_all": 2,
        "columns_in_all": 2,
        "truncated": False,
    },
    "KindChoices": {
        "parameters": {
            "carrier": {
                "choices": [{"value": "UA", "label": "United Air Lines"}],
                "more": False,
                "error": None,
            }
        },
        "read_at": _AT,
    },
    "KindList": {
        "kinds": [
            {
                "name": "flights",
                "title": "Departures of 2013",
                "description": "A page about the flights that left New York.",
                "parameters": {"type": "object", "properties": {"month": {"type": "integer"}}},
                "outputs": ["html", "pdf"],
                "max_running": None,
                "paused_at": None,
                "reason": None,
                "offered_by": 2,
            }
        ],
        "unavailable": [],
    },
    "TraceResource": {
        "report_id": _ID,
        "trace_id": _TRACE,
        "source": "database",
        "truncated": False,
        "spans": [
            {
                "id": "3c1f0e0b1c5e4d77",
                "parent": None,
                "name": "report",
                "service": "producer-api",
                "kind": "internal",
                "start": _AT,
                "duration_ms": 7380.656,
                "status": "ok",
                "error": None,
                "attributes": {"kind": "flights"},
                "running": False,
            }
        ],
    },
    "ParameterSetRequest": {"parameters": {"month": 7}, "shared": False},
    "ParameterSetResource": _SET,
    "ParameterSetList": {"parameter_sets": [_SET]},
    "LogPage": {
        "records": [
            {
                "attempt": 1,
                "line": 1,
                "at": _AT,
                "step": "render",
                "stream": "log",
                "level": "info",
                "logger": "flights",
                "text": "212 rows",
                "dropped": 0,
            }
        ],
        "next": "1:1",
        "dropped": 0,
    },
    "RetryRequest": {"from_start": False},
    "KindPauseRequest": {"reason": "the source of its data is away"},
    "KindLimitRequest": {"max_running": 2},
    "KindLimitResource": {
        "kind": "flights",
        "max_running": 2,
        "paused_at": None,
        "paused_by": None,
        "reason": None,
    },
    "DeadLetterPage": {
        "dead_letters": [
            {
                "id": "019ab000-0000-7000-8000-00000000000d",
                "reason": "error",
                "detail": "render: the template is missing",
                "report_id": _ID,
                "tenant": "acme",
                "owner": "ann",
                "topic": "report",
                "partition": 3,
                "offset": 4711,
                "value_size": None,
                "value_sha256": None,
                "value_kept": None,
                "attempts": 3,
                "stack": None,
                "trace_id": _TRACE,
                "created_at": _LATER,
                "redriven_at": None,
            }
        ],
        "next_cursor": None,
    },
    "RedriveRequest": {"reason": "error", "limit": 100},
    "Redriven": {"reports": [_ID], "refused": []},
    "KeyRequest": {"name": "the shop's backend", "owner": "shop", "tenant": "acme", "roles": ["requester"]},
    "KeyList": {"keys": [_KEY]},
    "KeyResource": _KEY,
    "NewKeyResource": {**_KEY, "token": "wb_k3v9x2m8q7ht_…"},
    "LimitsRequest": {name: value for name, value in _LIMITS.items() if value is not None},
    "LimitsResource": _LIMITS,
    "LimitsList": {"limits": [_LIMITS]},
    "UsageResource": {
        "limits": _LIMITS,
        "queued": 12,
        "running": 3,
        "requests": 0,
        "streams": 0,
        "kept_bytes": None,
    },
    "AuditPage": {
        "entries": [
            {
                "id": 5012,
                "at": _AT,
                "actor": "ann",
                "actor_tenant": "acme",
                "credential": "key k3v9x2m8q7ht",
                "action": "request",
                "tenant": "acme",
                "report_id": _ID,
                "subject": None,
                "trace_id": _TRACE,
            }
        ],
        "next_cursor": None,
    },
}

LOG: Final = "12:00:01.204  render  info  212 rows\n"
"""Of a report's logs as text."""

EVENT: Final = (
    'id: 5\nevent: step\ndata: {"report_id": "' + _ID + '", "version": 5, "type": "step", '
    '"status": "processing", "step": {"name": "render", "status": "running"}}\n\n'
)
"""Of a status stream; the data has more fields."""


def problem_example(kind: str, status: int, title: str) -> dict[str, Any]:
    """Of one type of problem."""
    return {"type": f"/problems/{kind}", "title": title, "status": status, "detail": f"{title}."}


def put_examples(operation: dict[str, Any]) -> None:
    """Into the bodies of an operation, of its request and its answers."""
    bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
    for content in (body.get("content", {}).get("application/json") for body in bodies):
        name = (content or {}).get("schema", {}).get("$ref", "").rpartition("/")[2]
        if name in EXAMPLES:
            content["example"] = EXAMPLES[name]
