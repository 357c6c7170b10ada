"""Which of this worker's reports somebody wants cancelled."""

import threading
from datetime import timedelta
from uuid import UUID

import structlog

from waybill.errors import RetryableError
from waybill.ledger import Ledger

log = structlog.get_logger(__name__)


class Cancellations:
    """Asks the database, for all attempts together, twice a second."""

    def __init__(self, ledger: Ledger, owner: str, every: timedelta = timedelta(seconds=0.5)) -> None:
        self._ledger = ledger
        self._owner = owner
        self._every = every
        self._wanted: frozenset[tuple[UUID, int]] = frozenset()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cancellations", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(5)

    def wanted(self, report_id: UUID, attempt: int) -> bool:
        """By the attempt, because a report that was cancelled may have been redriven since the last look."""
        return (report_id, attempt) in self._wanted

    def _run(self) -> None:
        while not self._stopping.wait(self._every.total_seconds()):
            try:
                self._wanted = frozenset(self._ledger.cancelled_attempts(self._owner))
            except RetryableError as error:
                log.warning("cancellations wait", reason=str(error))
            except Exception:
                log.exception("cancellations could not be read; tried again")
