"""That this worker is there, and how much it can do: by it the others know how many commands to send."""

from contextlib import suppress
from datetime import timedelta

from waybill.periodic import PeriodicTask
from waybill.store import StoreUnavailable, WorkerRow

_INTERVAL = timedelta(seconds=5)
"""A row that was not written for three of them does not count."""


class Presence:
    """Writes the worker's row: at once when it starts and when partitions come or go, and every few seconds.
    Any thread may call it; only `stop` blocks."""

    def __init__(self, row: WorkerRow) -> None:
        self._row = row
        self._partitions = 0
        self._writing = PeriodicTask("presence", _INTERVAL, self._write)

    def start(self) -> None:
        self._writing.soon()
        self._writing.start()

    def has_partitions(self, number: int) -> None:
        """As many are assigned to it now."""
        if number != self._partitions:
            self._partitions = number
            self._writing.soon()

    def stop(self) -> None:
        """It claims nothing any more."""
        self._writing.stop()
        with suppress(StoreUnavailable):  # then it soon does not count any more
            self._row.remove()

    def _write(self) -> None:
        self._row.write(self._partitions)
