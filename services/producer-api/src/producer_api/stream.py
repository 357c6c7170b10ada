"""The status stream: the events of a report as server-sent events, each once and in order."""

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
"""Reads the stored events of a report after a version. Raises RetryableError if the database is down."""


def retry_after(policy: StreamPolicy) -> str:
    """The line that tells a client how long to wait before it reconnects."""
    return f"retry: {int(policy.reconnect.total_seconds() * 1000)}\n\n"


class EventStream:
    """The events of one report after `last_seen`, until a terminal status.

    An event from the hub is sent only if its version is the next one. At the start, and when versions are
    missing, the stream reads the database. So no event is sent twice, skipped or out of order, even if Kafka
    repeats, loses or reorders events.
    """

    def __init__(
        self, report_id: UUID, last_seen: int, hub: StatusHub, replay: Replay, policy: StreamPolicy
    ) -> None:
        self._report_id = report_id
        self._last_version = last_seen
        self._hub = hub
        self._replay = replay
        self._policy = policy
        self._ended = False

    def __iter__(self) -> Iterator[str]:
        # Subscribes before it reads the database, so that no event is missed in between.
        with self._hub.subscribe(self._report_id) as inbox:
            yield retry_after(self._policy)
            if self._hub.streams > self._policy.max_streams:  # others opened at the same time
                return
            yield from self._catch_up()
            yield from self._follow(inbox)

    def _follow(self, inbox: Inbox) -> Iterator[str]:
        last_sent = last_read = time.monotonic()
        while not self._ended and not self._hub.draining:
            try:
                event = inbox.get(timeout=self._policy.tick.total_seconds())
            except Empty:
                event = None
            if event is not None and event.version == self._last_version + 1:
                yield self._send(event.version, event.type, event.model_dump(mode="json"))
                last_sent = last_read = time.monotonic()
            elif (event is not None and event.version > self._last_version) or self._due(
                last_read, self._policy.catch_up
            ):
                yield from self._catch_up()
                last_read = time.monotonic()
            elif self._due(last_sent, self._policy.heartbeat):
                yield ": still here\n\n"
                last_sent = time.monotonic()

    def _catch_up(self) -> Iterator[str]:
        try:
            missed = self._replay(self._report_id, self._last_version)
        except RetryableError:
            return  # the database is down: the stream stays open and reads it again later
        for event in missed:
            yield self._send(event.version, event.type, event.data)

    def _send(self, version: int, event_type: str, data: dict[str, Any]) -> str:
        self._last_version = version
        self._ended = event_type == "status" and Status(data["status"]) in TERMINAL
        return f"id: {version}\nevent: {event_type}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"

    @staticmethod
    def _due(since: float, interval: timedelta) -> bool:
        return time.monotonic() - since >= interval.total_seconds()
