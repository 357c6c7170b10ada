"""A slot's own process: takes one job after the other."""

import os
import signal
import threading
import traceback
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any

from waybill.errors import PermanentError
from waybill.kinds import Registry, load_registry
from waybill.logs import configure_logs
from waybill.tracing import flush

from report_worker.slots.protocol import Failed, FromSlot, Job, Produced, Ready, Stop
from report_worker.slots.work import SlotWork


def main(connection: "Connection[Any, Any]", log_format: Any, log_level: str) -> None:
    """Runs until the worker closes the pipe or dies."""
    # Ctrl-C and a group's SIGTERM reach the slots too; it is the worker that decides when they end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    configure_logs("report-worker", log_format, log_level)
    SlotProcess(connection, load_registry()).run()


class SlotProcess:
    """The main thread works; a second one listens, so that a job of any kind can be stopped."""

    def __init__(self, connection: "Connection[Any, Any]", kinds: Registry) -> None:
        self._connection = connection
        self._kinds = kinds
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._work: SlotWork | None = None

    def run(self) -> None:
        threading.Thread(target=self._listen, name="listen", daemon=True).start()
        self._connection.send(Ready())
        while True:
            job = self._jobs.get()
            self._connection.send(self._result(job))
            self._work = None

    def _listen(self) -> None:
        try:
            while True:
                told = self._connection.recv()
                if isinstance(told, Stop):
                    break
                self._jobs.put(told)
        except (EOFError, OSError):
            pass  # the worker is gone, or wants no more of this slot
        if self._work is not None:
            self._work.interrupt()
        flush()
        os._exit(0)

    def _result(self, job: Job) -> FromSlot:
        work = self._work = SlotWork(job, self._connection.send)
        try:
            kind = self._kinds[job.kind]
            parameters = kind.parameters.model_validate(job.parameters)
            artefact = kind.load()(parameters, work)
        except Exception as error:
            return Failed(
                error_type=type(error).__qualname__,
                message=str(error),
                traceback=traceback.format_exc(),
                permanent=isinstance(error, PermanentError),
                step=work.fatal,
            )
        return Produced(artefact.path, artefact.media_type, artefact.filename, tuple(work.failed))
