"""The status stream: the events of a report as server-sent events, each once and in order."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any
from uuid import UUID

from producer_api.log_hub import LogFeed
from producer_api.log_resources import log_record_resource
from producer_api.policies import StreamPolicy
from producer_api.status_hub import Inbox, StatusHub
from waybill.domain import TERMINAL, LogRecord, Report, Status
from waybill.errors import RetryableError
from waybill.store import StoredEvent

Replay = Callable[[UUID, int, int], list[StoredEvent]]
"""Reads the stored events of a report after a version, at most the given number. Raises RetryableError if the
database is down."""

Logs = Callable[[Callable[[], None]], AbstractContextManager[LogFeed]]
"""Opens the feed of the report's logs; it calls what it is given when there is something."""


def retry_after(policy: StreamPolicy) -> str:
    """The line that tells a client how long to wait before it reconnects."""
    return f"retry: {int(policy.reconnect.total_seconds() * 1000)}\n\n"


class EventStream:
    """The events of `report` after the version `last_seen`, until a terminal status.

    An event from the hub is sent only if its version is the next one. At the start, and when versions are
    missing, the stream reads the database, a page at a time. So no event is sent twice, skipped or out of
    order. `is_gone`: whether the client has closed the connection. `may_read`: whether its credential is
    still valid; it is asked now and then.
    """

    def __init__(
        self,
        report: Report,
        last_seen: int,
        hub: StatusHub,
        replay: Replay,
        policy: StreamPolicy,
        is_gone: Callable[[], bool],
        may_read: Callable[[], bool] = lambda: True,
        logs: Logs | None = None,
    ) -> None:
        """`logs`: where the client has asked for what the jobs print. They come between the events, without
        an id, and for a moment after the last event."""
        self._report = report
        self._last_version = last_seen
        self._hub = hub
        self._replay = replay
        self._policy = policy
        self._is_gone = is_gone
        self._may_read = may_read
        self._asked = time.monotonic()
        self._behind = False
        self._ended = report.status in TERMINAL and last_seen >= report.version
        self._ended_at = time.monotonic()
        self._logs = logs

    def __iter__(self) -> Iterator[str]:
        # Subscribes before it reads the database, so that no event is missed in between.
        with self._hub.subscribe(self._report.id, self._report.version) as inbox:
            yield retry_after(self._policy)
            if self._logs is None:
                yield from self._catch_up()
                yield from self._follow(inbox, None)
                return
            with self._logs(inbox.wake) as feed:
                yield from self._catch_up()
                yield from self._follow(inbox, feed)

    def _follow(self, inbox: Inbox, feed: LogFeed | None) -> Iterator[str]:
        began = last_sent = last_read = time.monotonic()
        while not (self._is_over(feed) or self._must_end() or self._due(began, self._policy.lifetime)):
            event = inbox.get(self._policy.tick.total_seconds())
            if feed is not None and (records := feed.take()) is not None:
                yield _log_event(records)
                inbox.wake()
                last_sent = time.monotonic()
            if event is not None and event.version == self._last_version + 1:
                yield self._send(event)
                last_sent = time.monotonic()
            elif (
                (event is not None and event.version > self._last_version)
                or inbox.missed
                or (self._behind and self._due(last_read, self._policy.catch_up))
            ):
                inbox.missed = False
                yield from self._catch_up()
                last_read = last_sent = time.monotonic()
            elif self._due(last_sent, self._policy.heartbeat):
                yield ": still here\n\n"
                last_sent = time.monotonic()

    def _catch_up(self) -> Iterator[str]:
        self._behind = True
        while not self._must_end():
            try:
                page = self._replay(self._report.id, self._last_version, self._policy.page)
            except RetryableError:
                return  # the database is down: the stream stays open and reads it again later
            for event in page:
                yield self._send(event)
            if len(page) < self._policy.page:
                self._behind = False
                return

    def _is_over(self, feed: LogFeed | None) -> bool:
        """After the last event; with logs, once there have been no more for a moment."""
        if not self._ended or feed is None:
            return self._ended
        has_all = feed.is_current and feed.wanted is not None
        return has_all and self._due(self._ended_at, self._policy.log_linger)

    def _must_end(self) -> bool:
        return self._hub.draining or self._is_gone() or not self._is_allowed()

    def _is_allowed(self) -> bool:
        if not self._due(self._asked, self._policy.credential_check):
            return True
        self._asked = time.monotonic()
        return self._may_read()

    def _send(self, event: StoredEvent) -> str:
        self._last_version = event.version
        self._ended = event.type == "status" and Status(event.data["status"]) in TERMINAL
        self._ended_at = time.monotonic()
        return f"id: {event.version}\nevent: {event.type}\ndata: {_json(event.data)}\n\n"

    @staticmethod
    def _due(since: float, interval: timedelta) -> bool:
        return time.monotonic() - since >= interval.total_seconds()


def _log_event(records: Sequence[LogRecord]) -> str:
    """Without an id: what a client says that it has seen are the status events."""
    shown = [log_record_resource(record).model_dump(mode="json") for record in records]
    return f"event: log\ndata: {_json({'records': shown, 'after': str(records[-1].position)})}\n\n"


def _json(data: dict[str, Any]) -> str:
    return json.dumps(data, separators=(",", ":"))
