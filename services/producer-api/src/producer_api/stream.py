"""The status stream: a report's events as server-sent events, each once and in order."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from queue import Empty
from typing import Any
from uuid import UUID

from producer_api.policies import StreamPolicy
from producer_api.status_hub import Inbox, StatusHub
from waybill.domain import TERMINAL, Status
from waybill.errors import RetryableError
from waybill.store import StoredEvent

Replay = Callable[[UUID, int], list[StoredEvent]]
"""The stored events of a report after a version."""


def retry_after(policy: StreamPolicy) -> str:
    """Tells a client when to come back after the stream's end."""
    return f"retry: {int(policy.reconnect.total_seconds() * 1000)}\n\n"


class EventStream:
    """The events of one report after `last_seen`, until a terminal status.

    Live events come from the hub, and are told only when they are the next ones; for a gap, and at the
    beginning, the stream reads the database. So nothing is told twice, left out or out of order, whatever
    Kafka does.
    """

    def __init__(
        self, report_id: UUID, last_seen: int, hub: StatusHub, replay: Replay, policy: StreamPolicy
    ) -> None:
        self._report_id = report_id
        self._seen = last_seen
        self._hub = hub
        self._replay = replay
        self._policy = policy
        self._ended = False

    def __iter__(self) -> Iterator[str]:
        with self._hub.subscribe(self._report_id) as inbox:  # first, so that nothing falls in between
            yield retry_after(self._policy)
            if self._hub.streams > self._policy.most:  # others came at the same time
                return
            yield from self._catch_up()
            yield from self._follow(inbox)

    def _follow(self, inbox: Inbox) -> Iterator[str]:
        told = looked = time.monotonic()
        while not self._ended and not self._hub.draining:
            try:
                event = inbox.get(timeout=self._policy.tick.total_seconds())
            except Empty:
                event = None
            if event is not None and event.version == self._seen + 1:
                yield self._tell(event.version, event.type, event.model_dump(mode="json"))
                told = looked = time.monotonic()
            elif (event is not None and event.version > self._seen) or self._due(
                looked, self._policy.catch_up
            ):
                yield from self._catch_up()
                looked = time.monotonic()
            elif self._due(told, self._policy.heartbeat):
                yield ": still here\n\n"
                told = time.monotonic()

    def _catch_up(self) -> Iterator[str]:
        try:
            missed = self._replay(self._report_id, self._seen)
        except RetryableError:
            return  # the database is away: the stream goes on, and looks again later
        for event in missed:
            yield self._tell(event.version, event.type, event.data)

    def _tell(self, version: int, event_type: str, data: dict[str, Any]) -> str:
        self._seen = version
        self._ended = event_type == "status" and Status(data["status"]) in TERMINAL
        return f"id: {version}\nevent: {event_type}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"

    @staticmethod
    def _due(since: float, interval: timedelta) -> bool:
        return time.monotonic() - since >= interval.total_seconds()
