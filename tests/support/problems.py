"""What a refusal must look like."""

import re
from typing import Any

import httpx


def problem(response: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    """The body of an RFC 9457 problem of that status and kind, with the trace in which it happened."""
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["type"] == f"/problems/{kind}"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert re.fullmatch("[0-9a-f]{32}", body["trace_id"])
    return body
