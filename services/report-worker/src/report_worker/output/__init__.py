"""What the jobs of a worker print and log: read from their slots, and written into the database."""

from collections.abc import Callable
from uuid import UUID

from report_worker.output.job_log import Emit
from report_worker.output.parsing import JobParser
from report_worker.output.policy import OutputPolicy
from report_worker.output.reading import OutputReader
from report_worker.output.writing import LogWriter, Store
from report_worker.slots import Output, Sink

__all__ = ["JobOutput", "OutputPolicy", "Store"]


class JobOutput:
    """Of one worker. Its threads wait where there is nothing to do."""

    def __init__(
        self,
        store: Store,
        policy: OutputPolicy,
        dropped: Callable[[int], None],
        emit: Emit | None = None,
    ) -> None:
        """`dropped` is called with the number of lines that were. `emit` gets each record that is kept; it
        must not block."""
        self._reader = OutputReader()
        self._writer = LogWriter(store, policy, dropped, emit)

    def start(self) -> None:
        self._reader.start()
        self._writer.start()

    def stop(self) -> None:
        """After the last job."""
        self._reader.stop()
        self._writer.stop()

    def new_output(self) -> Output:
        """For a slot's process. Raises `OSError`."""
        return self._reader.open()

    def sink(self, report_id: UUID, attempt: int, token: str) -> Sink:
        """For one job, whose slot's process has `token`. It must be ended."""
        log = self._writer.open(report_id, attempt)
        return JobParser(token, log.add, log.end)
