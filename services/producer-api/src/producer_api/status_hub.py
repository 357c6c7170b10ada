"""The status hub: one reader of the database in each process, which feeds its open streams."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from queue import Empty, Full, Queue
from uuid import UUID

import structlog

from producer_api.policies import StreamPolicy
from waybill.errors import RetryableError
from waybill.store import StoredEvent

log = structlog.get_logger(__name__)

Read = Callable[[Mapping[UUID, int], int], list[tuple[UUID, StoredEvent]]]
"""The stored events of reports after a version of each, in order, at most the given number of each.
Raises RetryableError if the database is down."""

_BATCH_SECONDS = 0.05
"""Between two reads at least: hints that come meanwhile share the next one."""


class Inbox:
    """The events of one stream. Those beyond `size` that wait are dropped, and `missed` is set."""

    def __init__(self, size: int) -> None:
        self._events: Queue[StoredEvent | None] = Queue(size)
        self.missed = False

    def put(self, event: StoredEvent) -> None:
        try:
            self._events.put_nowait(event)
        except Full:
            self.missed = True

    def wake(self) -> None:
        """What waits for an event gets None, to look at something else."""
        with suppress(Full):  # it is awake
            self._events.put_nowait(None)

    def get(self, seconds: float) -> StoredEvent | None:
        """None if nothing comes in this time, or it is woken."""
        try:
            return self._events.get(timeout=seconds)
        except Empty:
            return None


@dataclass
class _Watch:
    """A report with open streams: `version` is the last that was passed on."""

    version: int
    inboxes: list[Inbox] = field(default_factory=list)


class StatusHub:
    """Passes each event to the streams that are open for its report.

    A hint says that a report may have changed; every `catch_up`, all may have. Whatever is passed on comes
    from the database, in one read for all reports with open streams.
    """

    def __init__(self, read: Read, policy: StreamPolicy) -> None:
        self._read = read
        self._policy = policy
        self._lock = threading.Lock()
        self._watches: dict[UUID, _Watch] = {}
        self._hinted: set[UUID] = set()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._draining = threading.Event()
        self._thread = threading.Thread(target=self._run, name="status-hub", daemon=True)

    @property
    def draining(self) -> bool:
        """Whether open streams must end now."""
        return self._draining.is_set()

    def start(self) -> None:
        self._thread.start()

    def drain(self) -> None:
        """Tells every stream to end. Safe in a signal handler: it takes no lock of this class."""
        self._draining.set()

    def stop(self) -> None:
        """Tells the thread to end, and waits for it for 5 s at most."""
        self.drain()
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def hint(self, report_id: UUID) -> None:
        """The report may have changed. Costs next to nothing where it has no open stream."""
        with self._lock:
            if report_id not in self._watches:
                return
            self._hinted.add(report_id)
        self._wake.set()

    @contextmanager
    def subscribe(self, report_id: UUID, version: int) -> Iterator[Inbox]:
        """An inbox for the report's events after `version`, or after a later one: the subscriber reads itself
        what is stored already."""
        inbox = Inbox(self._policy.page)
        with self._lock:
            self._watches.setdefault(report_id, _Watch(version)).inboxes.append(inbox)
        try:
            yield inbox
        finally:
            with self._lock:
                watch = self._watches[report_id]
                watch.inboxes.remove(inbox)
                if not watch.inboxes:
                    del self._watches[report_id]

    def _run(self) -> None:
        catch_up = self._policy.catch_up.total_seconds()
        caught_up = time.monotonic()
        while not self._stopping.is_set():
            self._wake.wait(max(0.0, caught_up + catch_up - time.monotonic()))
            self._wake.clear()
            everything = time.monotonic() - caught_up >= catch_up
            if everything:
                caught_up = time.monotonic()
            try:
                self._pass_on(self._due(everything))
            except RetryableError as error:
                log.info("streams wait for the database", reason=str(error))
            except Exception:
                log.exception("status hub failed: trying again")
            self._stopping.wait(_BATCH_SECONDS)

    def _due(self, everything: bool) -> set[UUID]:
        with self._lock:
            due = set(self._watches) if everything else self._hinted
            self._hinted = set()
            return due

    def _pass_on(self, due: set[UUID]) -> None:
        """Reads until nothing of `due` is left, a page of each report at a time."""
        while due and not self.draining:
            with self._lock:
                after = {
                    report_id: self._watches[report_id].version
                    for report_id in due
                    if report_id in self._watches
                }
            events = self._read(after, self._policy.page) if after else []
            counts = dict.fromkeys(due, 0)
            for report_id, event in events:
                counts[report_id] += 1
                self._dispatch(report_id, event)
            due = {report_id for report_id, count in counts.items() if count >= self._policy.page}

    def _dispatch(self, report_id: UUID, event: StoredEvent) -> None:
        with self._lock:
            watch = self._watches.get(report_id)
            if watch is None or event.version <= watch.version:
                return
            watch.version = event.version
            inboxes = list(watch.inboxes)
        for inbox in inboxes:
            inbox.put(event)
