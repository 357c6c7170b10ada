"""Writes the logs of all jobs of a worker: one statement at most every half second, and none where there is
nothing."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol
from uuid import UUID

import structlog

from report_worker.output.job_log import Emit, JobLog, chunks_of
from report_worker.output.policy import OutputPolicy
from waybill.domain import NewLogChunk
from waybill.errors import RetryableError
from waybill.periodic import PeriodicTask

log = structlog.get_logger(__name__)

_MAX_STATEMENT_BYTES = 2**20
_MAX_ENDED_BYTES = 16 * 2**20
"""Kept of jobs that have ended, while the database is away."""


class Store(Protocol):
    """Where logs are kept: `waybill.ledger.ReportLogs`."""

    def write(self, chunks: Sequence[NewLogChunk]) -> None: ...

    def trim(self, report_ids: Sequence[UUID], max_bytes: int) -> None: ...


class LogWriter:
    """Nothing of it ever keeps a report from its end: what the database does not take is dropped."""

    def __init__(
        self,
        store: Store,
        policy: OutputPolicy,
        dropped: Callable[[int], None],
        emit: Emit | None = None,
    ) -> None:
        """`dropped` is called with the number of lines that were; `emit` with each record, once."""
        self._store = store
        self._policy = policy
        self._count_dropped = dropped
        self._emit = emit
        self._lock = threading.Lock()
        self._logs: list[JobLog] = []
        self._unwritten: list[NewLogChunk] = []
        self._task = PeriodicTask("report logs", policy.interval, self.write)

    def start(self) -> None:
        self._task.start()

    def stop(self) -> None:
        """After the last job: writes what is left, once."""
        self._task.stop()
        try:
            self.write()
        except RetryableError as error:
            left = len(self._unwritten)
            log.warning("logs of reports dropped: the worker stops", chunks=left, reason=str(error))

    def open(self, report_id: UUID, attempt: int) -> JobLog:
        opened = JobLog(report_id, attempt, self._policy)
        with self._lock:
            self._logs.append(opened)
        return opened

    def write(self) -> None:
        """What there is. Raises `RetryableError` where that is to be tried again."""
        with self._lock:
            logs = list(self._logs)
        try:
            while batch := self._unwritten or self._next_batch(logs):
                self._unwritten = batch
                self._write(batch, logs)
                self._unwritten = []
        finally:
            self._forget(logs)

    def _next_batch(self, logs: list[JobLog]) -> list[NewLogChunk]:
        batch: list[NewLogChunk] = []
        size = 0
        now = time.monotonic()
        for one in logs:
            for chunk in chunks_of(one, one.take(now), self._policy, self._emit):
                batch.append(chunk)
                size += chunk.bytes
            if size > _MAX_STATEMENT_BYTES:
                break
        return batch

    def _write(self, batch: list[NewLogChunk], logs: list[JobLog]) -> None:
        try:
            self._store.write(batch)
        except RetryableError:
            raise
        except Exception:
            log.exception("logs of reports dropped: the database does not take them")
            self._count_dropped(sum(len(chunk.records) for chunk in batch))
            return
        self._trim(batch, logs)

    def _trim(self, batch: list[NewLogChunk], logs: list[JobLog]) -> None:
        written: dict[tuple[UUID, int], int] = {}
        for chunk in batch:
            key = (chunk.report_id, chunk.attempt)
            written[key] = written.get(key, 0) + chunk.bytes
        over = {one.report_id for one in logs if one.is_over(written.get((one.report_id, one.attempt), 0))}
        if over:
            self._store.trim(sorted(over), self._policy.max_bytes)

    def _forget(self, logs: list[JobLog]) -> None:
        """The jobs that have ended, once all is written; and the oldest, if that takes too long."""
        waiting = 0
        for one in reversed(logs):
            if one.has_ended:
                waiting += one.waiting_bytes
                if waiting > _MAX_ENDED_BYTES:
                    one.drop_all()
            if dropped := one.take_dropped():
                self._count_dropped(dropped)
        with self._lock:
            self._logs = [one for one in self._logs if not one.is_done]
