"""A slot's own process: takes one job after the other."""

import os
import resource
import signal
import threading
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from report_worker.slots.protocol import Cancelled, Failed, FromSlot, Job, Produced, Ready, Stop
from report_worker.slots.sanitize import message_of, stack_of
from report_worker.slots.work import JobCancelled, SlotWork
from waybill.errors import PermanentError
from waybill.kinds import Artefact, Registry, load_registry
from waybill.logs import configure_logs
from waybill.telemetry import flush

_SPENT = 3 / 4
"""Of its memory: a slot that still holds so much after a job is not given another."""


def main(connection: "Connection[Any, Any]", memory_mib: int, log_format: Any, log_level: str) -> None:
    """Runs until the worker closes the pipe or dies."""
    # Ctrl-C and a group's SIGTERM reach the slots too; it is the worker that decides when they end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # Beyond it an allocation fails in the job, and not the whole container.
    resource.setrlimit(resource.RLIMIT_DATA, (memory_mib * 2**20, memory_mib * 2**20))
    configure_logs("report-worker", log_format, log_level)
    SlotProcess(connection, load_registry()).run()


class SlotProcess:
    """The main thread works; a second one listens, so that a job of any kind can be stopped."""

    def __init__(self, connection: "Connection[Any, Any]", kinds: Registry) -> None:
        self._connection = connection
        self._kinds = kinds
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._work: SlotWork | None = None
        self._cancelled = threading.Event()

    def run(self) -> None:
        threading.Thread(target=self._listen, name="listen", daemon=True).start()
        self._connection.send(Ready())
        while True:
            job = self._jobs.get()
            word = self._result(job)
            if isinstance(word, Produced | Failed) and _is_spent():
                word = replace(word, exhausted=True)
            self._connection.send(word)
            self._work = None

    def _listen(self) -> None:
        try:
            while True:
                received = self._connection.recv()
                if isinstance(received, Stop):
                    break
                if isinstance(received, Job):
                    self._cancelled.clear()
                    self._jobs.put(received)
                else:
                    self._cancelled.set()
        except (EOFError, OSError):
            pass  # the worker is gone, or wants no more of this slot
        finally:  # also where there is no memory left to listen with
            with suppress(Exception):
                self._end()
            os._exit(0)

    def _end(self) -> None:
        """No further step begins, and the spans are sent out."""
        self._cancelled.set()
        if self._work is not None:
            self._work.interrupt()
        flush()

    def _result(self, job: Job) -> FromSlot:
        work = self._work = SlotWork(job, self._connection.send, self._cancelled)
        try:
            kind = self._kinds[job.kind]
            parameters = kind.read_parameters(job.parameters)
            return _produced(kind.load()(parameters, work), work)
        except JobCancelled:
            return Cancelled()
        except Exception as error:
            return Failed(
                error_type=type(error).__qualname__,
                message=message_of(error),
                traceback=stack_of(error),
                permanent=isinstance(error, PermanentError),
                step=work.fatal,
                exhausted=isinstance(error, MemoryError),
            )


def _produced(artefact: object, work: SlotWork) -> Produced:
    """Says of a result that is none what is wrong with it."""
    if not isinstance(artefact, Artefact):
        raise TypeError(f"The kind's function returned {type(artefact).__name__}, not an Artefact.")
    if not artefact.path.is_file():
        raise FileNotFoundError(f"The kind's function returned {artefact.path}, where there is no file.")
    return Produced(artefact.path, artefact.media_type, artefact.filename, tuple(work.failed))


def _is_spent() -> bool:
    """By its data, as the limit counts it; False where the system does not tell."""
    limit, _ = resource.getrlimit(resource.RLIMIT_DATA)
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[5])
    except OSError:
        return False
    return pages * resource.getpagesize() > limit * _SPENT
