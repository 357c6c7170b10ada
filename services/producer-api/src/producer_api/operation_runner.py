"""Works on operations: of all API processes one does, page by page."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from waybill.periodic import PeriodicTask
from waybill.store import StoreUnavailable, TaskLease


class OperationRunner:
    """What a process has begun and not committed when it ends, the next one does: each page is a transaction
    with how far the operation is."""

    def __init__(self, work: Callable[[], bool], lease: TaskLease, interval: timedelta) -> None:
        """`work` does a page, and answers whether there may be more; `interval`: between two looks at what is
        to be done."""
        self._work = work
        self._lease = lease
        self._working = PeriodicTask("operations", interval, self.run)

    def start(self) -> None:
        self._working.start()

    def stop(self) -> None:
        """Blocks until the page that is worked on is done, for a few seconds at most."""
        self._working.stop()
        with suppress(StoreUnavailable):  # then it runs out
            self._lease.release()

    def soon(self) -> None:
        """There is something to do."""
        self._working.soon()

    def run(self) -> None:
        """All that is to be done, where this process is to do it. Raises `StoreUnavailable`."""
        while not self._working.stopping and self._lease.hold() and self._work():
            pass
