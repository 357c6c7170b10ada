"""The log hub: one reader of the reports' logs in each process, for the streams that have asked for them."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

import structlog

from producer_api.policies import StreamPolicy
from waybill.domain import LogChunk, LogPosition, LogRecord, records_after
from waybill.errors import RetryableError
from waybill.store import WantedLog

log = structlog.get_logger(__name__)

Read = Callable[[Sequence[WantedLog], int], list[list[LogChunk]]]
"""What comes after a position of each of several logs, at most the given number of chunks of each. Raises
RetryableError if the database is down."""

_PAGE = 8
"""Chunks of a log at once: a stream's client may be slow."""
_PAUSE_SECONDS = 0.02


class LogFeed:
    """What one stream has yet to send. Nothing more is read for it until it has taken that."""

    def __init__(self, report_id: UUID, after: LogPosition, wake: Callable[[], None]) -> None:
        self._report_id = report_id
        self._after = after
        self._wake = wake
        self._batches: deque[list[LogRecord]] = deque()
        self.is_current = False
        """Whether the last read has found that there was no more."""

    @property
    def wanted(self) -> WantedLog | None:
        """What to read for it now."""
        return None if self._batches else WantedLog(self._report_id, self._after)

    def put(self, chunks: Sequence[LogChunk]) -> None:
        for chunk in chunks:
            if records := list(records_after(self._after, [chunk])):
                self._after = records[-1].position
                self._batches.append(records)
        self.is_current = len(chunks) < _PAGE
        if chunks:
            self._wake()

    def take(self) -> list[LogRecord] | None:
        """The next records, in order; None where there are none now."""
        return self._batches.popleft() if self._batches else None


class LogHub:
    """Reads while there are feeds, every `log_interval` of the policy, in one statement for all of them."""

    def __init__(self, read: Read, policy: StreamPolicy) -> None:
        self._read = read
        self._interval = policy.log_interval.total_seconds()
        self._lock = threading.Lock()
        self._feeds: list[LogFeed] = []
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log-hub", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Tells the thread to end, and waits for it for 5 s at most."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(5)

    @contextmanager
    def subscribe(self, report_id: UUID, after: LogPosition, wake: Callable[[], None]) -> Iterator[LogFeed]:
        """A feed of a report's logs after a position. `wake` is called when it has something."""
        feed = LogFeed(report_id, after, wake)
        with self._lock:
            self._feeds.append(feed)
        self._wake.set()
        try:
            yield feed
        finally:
            with self._lock:
                self._feeds.remove(feed)

    def _run(self) -> None:
        while not self._stopping.is_set():
            with self._lock:
                feeds = list(self._feeds)
            if not feeds:
                self._wake.wait()
            self._wake.clear()
            try:
                more = self._read_for(feeds)
            except RetryableError as error:
                more = False
                log.info("logs of streams wait for the database", reason=str(error))
            except Exception:
                more = False
                log.exception("log hub failed: trying again")
            if feeds:
                self._wake.wait(_PAUSE_SECONDS if more else self._interval)
                self._stopping.wait(_PAUSE_SECONDS)

    def _read_for(self, feeds: Sequence[LogFeed]) -> bool:
        """Whether there may be more for one of them at once. Streams at the same position share a read."""
        wanted: dict[WantedLog, list[LogFeed]] = {}
        for feed in feeds:
            if (want := feed.wanted) is not None:
                wanted.setdefault(want, []).append(feed)
        if not wanted:
            return False
        found = self._read(list(wanted), _PAGE)
        for sharing, chunks in zip(wanted.values(), found, strict=True):
            for feed in sharing:
                feed.put(chunks)
        return any(len(chunks) == _PAGE for chunks in found)
