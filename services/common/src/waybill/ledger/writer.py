"""The writer: one for each process. What several threads write at the same time is one transaction."""

import threading
import time
from collections.abc import Callable, Sequence

from waybill.domain import LeasePolicy, Report
from waybill.ledger.batch import Result, write_all
from waybill.ledger.transactions import Transactions
from waybill.ledger.writes import Write
from waybill.store import StoreUnavailable

_MOST_TOGETHER = 200
_LINGER_SECONDS = 0.002
_BUSY_SECONDS = 0.02
_VAIN = 8


class Pending:
    """A write that was begun: it is written with the next one of any thread, or when its result is asked
    for."""

    def __init__(self, writer: "Writer", write: Write) -> None:
        """`Writer.begin` makes it."""
        self._writer = writer
        self.write = write
        self.outcome: Result | Exception = None
        self.is_done = False
        self.is_alone = False
        """What it was written with failed, for it or another: now each is written by itself."""

    def result(self) -> Report | None:
        """Blocks until it is committed. Raises `LeaseLost`, `LimitReached`, or what a transaction raises:
        then nothing of it is written; or, if the connection broke in the commit itself, it may be."""
        self._writer.finish(self)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    def ends(self, outcome: Result | Exception) -> None:
        self.outcome, self.is_done = outcome, True

    def fails(self, error: Exception) -> None:
        """Together with others. Where nothing was written, each is written by itself."""
        if isinstance(error, StoreUnavailable):
            self.ends(error)
        else:
            self.is_alone = True


class _Lingering:
    """How long a writer that is busy waits for others, so that fewer transactions hold as many writes: a
    moment, and not where that was in vain the last time. One that was idle does not wait."""

    def __init__(self) -> None:
        self._busy_until = 0.0
        self._together = 0
        self._vain = 0

    def wait(self, arrived: threading.Condition, count: Callable[[], int]) -> None:
        """For twice as many as wait now, or as many as were written the last time."""
        if time.monotonic() > self._busy_until:
            return
        if self._vain:
            self._vain -= 1
            return
        now = count()
        enough = max(2 * now, self._together)
        arrived.wait_for(lambda: count() >= enough, _LINGER_SECONDS)
        self._vain = _VAIN if count() == now else 0

    def written(self, together: int) -> None:
        """A transaction has ended."""
        self._together = together
        self._busy_until = time.monotonic() + _BUSY_SECONDS


class Writer:
    """Any thread may write. What comes while a transaction is under way waits for its end and is then
    committed together: so a single write is committed at once, and many become batches by themselves.

    It has no thread of its own: of those that wait, one commits for all. A batch that fails for one of them,
    or that is held up by a lock, is written one by one: none spoils or delays the others for long.
    """

    def __init__(self, transactions: Transactions, lease: LeasePolicy) -> None:
        self._transactions = transactions
        self._lease = lease
        lock = threading.Lock()
        self._changed = threading.Condition(lock)
        self._arrived = threading.Condition(lock)
        self._waiting: list[Pending] = []
        self._is_writing = False
        self._lingering = _Lingering()

    @property
    def waiting(self) -> int:
        """How many writes are in no transaction yet."""
        return len(self._waiting)

    def write(self, write: Write) -> Report | None:
        """As `begin` and `Pending.result`."""
        return self.begin(write).result()

    def begin(self, write: Write) -> Pending:
        """Does not block."""
        pending = Pending(self, write)
        with self._changed:
            self._waiting.append(pending)
            self._arrived.notify()
        return pending

    def finish(self, pending: Pending) -> None:
        """Blocks until it is done; meanwhile this thread may write for others."""
        while not pending.is_done:
            if batch := self._turn(pending):
                self._write_together(batch)
            elif pending.is_alone:
                self._write_alone(pending)

    def _turn(self, pending: Pending) -> Sequence[Pending]:
        """What is to be written now by this thread; empty after a wait."""
        with self._changed:
            self._changed.wait_for(lambda: pending.is_done or pending.is_alone or not self._is_writing)
            if pending.is_done or pending.is_alone:
                return []
            self._is_writing = True
            self._lingering.wait(self._arrived, lambda: len(self._waiting))
            batch, self._waiting = self._waiting[:_MOST_TOGETHER], self._waiting[_MOST_TOGETHER:]
            return batch

    def _write_together(self, batch: Sequence[Pending]) -> None:
        error: Exception = StoreUnavailable("The thread that was to write it has ended.")
        try:
            with self._transactions.direct_changes(briefly=len(batch) > 1) as changes:
                results = write_all(changes, [one.write for one in batch], self._lease)
            for one, result in zip(batch, results, strict=True):
                one.ends(result)
        except Exception as caught:
            error = caught
        finally:
            for one in batch:
                if not one.is_done:
                    one.fails(error)
            with self._changed:
                self._is_writing = False
                self._lingering.written(len(batch))
                self._changed.notify_all()

    def _write_alone(self, pending: Pending) -> None:
        try:
            with self._transactions.changes() as changes:
                (result,) = write_all(changes, [pending.write], self._lease)
            pending.ends(result)
        except Exception as error:
            pending.ends(error)
