"""Which of this worker's reports are to be cancelled."""

from datetime import timedelta
from uuid import UUID

from waybill.ledger import Ledger
from waybill.periodic import PeriodicTask


class Cancellations:
    """Reads the database, for all attempts together, twice a second while there are any: each asks all the
    time."""

    def __init__(self, ledger: Ledger, owner: str, interval: timedelta = timedelta(seconds=0.5)) -> None:
        self._ledger = ledger
        self._owner = owner
        self._wanted: frozenset[tuple[UUID, int]] = frozenset()
        self._asked = False
        self._reading = PeriodicTask("cancellations", interval, self._read)

    def start(self) -> None:
        self._reading.start()

    def stop(self) -> None:
        self._reading.stop()

    def wanted(self, report_id: UUID, attempt: int) -> bool:
        """By the attempt, because a report that was cancelled may have been redriven since the last read."""
        self._asked = True
        return (report_id, attempt) in self._wanted

    def _read(self) -> None:
        if not self._asked:
            return
        self._asked = False
        self._wanted = frozenset(self._ledger.cancelled_attempts(self._owner))
