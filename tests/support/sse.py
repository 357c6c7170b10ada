"""A status stream, as its bytes come: also what a client would hide."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from httpx_sse import EventSource, ServerSentEvent


@dataclass(frozen=True)
class Told:
    """One event of a report; `data` is its JSON."""

    id: int
    event: str
    data: dict[str, Any]

    @classmethod
    def of(cls, sent: ServerSentEvent) -> "Told":
        return cls(int(sent.id), sent.event, json.loads(sent.data))


def path(report_id: UUID | str) -> str:
    return f"/api/v1/reports/{report_id}/events"


@contextmanager
def opened(
    http: httpx.Client, report_id: UUID | str, last_event_id: int | None = None
) -> Iterator[httpx.Response]:
    """The answer, once its headers are here."""
    headers = {} if last_event_id is None else {"Last-Event-ID": str(last_event_id)}
    with http.stream("GET", path(report_id), headers=headers) as response:
        yield response


def events(response: httpx.Response) -> Iterator[Told]:
    """Until the server ends the stream."""
    for sent in EventSource(response).iter_sse():
        if sent.data:
            yield Told.of(sent)


def listen(http: httpx.Client, report_id: UUID | str, last_event_id: int | None = None) -> list[Told]:
    """Every event until the stream's end."""
    with opened(http, report_id, last_event_id) as response:
        assert response.status_code == httpx.codes.OK
        assert response.headers["Content-Type"].startswith("text/event-stream")
        return list(events(response))
