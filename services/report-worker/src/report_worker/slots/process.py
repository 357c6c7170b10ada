"""A slot's own process: takes one job after the other."""

import os
import threading
from contextlib import suppress
from dataclasses import replace
from queue import SimpleQueue

from report_worker.slots.channel import Channel, WrongFrameError
from report_worker.slots.protocol import (
    Cancel,
    Cancelled,
    Failed,
    FromSlot,
    Job,
    Produced,
    Ready,
    Stop,
    ToSlot,
)
from report_worker.slots.sanitize import message_of, stack_of, type_of
from report_worker.slots.state import ProcessState
from report_worker.slots.work import JobCancelled, SlotWork
from waybill.errors import PermanentError
from waybill.kinds import Artefact, Registry
from waybill.telemetry import flush

_FRESH = "its kind's wish for a fresh process"


class SlotProcess:
    """The main thread works; a second one listens, so that a job of any kind can be stopped."""

    def __init__(self, channel: Channel[FromSlot, ToSlot], kinds: Registry) -> None:
        self._channel = channel
        self._kinds = kinds
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._work: SlotWork | None = None
        self._cancelled = threading.Event()

    def run(self) -> None:
        """Until the worker says stop, or is gone."""
        listening = threading.Thread(target=self._listen, name="listen", daemon=True)
        listening.start()
        state = ProcessState()
        with suppress(OSError):  # the worker is gone: the other thread ends the process
            self._channel.send(Ready())
            while True:
                outcome = self._outcome(self._jobs.get())
                if isinstance(outcome, Produced | Failed):
                    outcome = replace(outcome, left_over=outcome.left_over + state.left_over())
                self._channel.send(outcome)
                self._work = None
        listening.join()

    def _listen(self) -> None:
        try:
            while not isinstance(received := self._channel.receive(), Stop):
                if isinstance(received, Job):
                    self._cancelled.clear()
                    self._jobs.put(received)
                elif isinstance(received, Cancel):
                    self._cancelled.set()
        except (EOFError, OSError, WrongFrameError):
            pass  # the worker is gone, or wants no more of this slot
        finally:  # also if there is no memory left to listen with
            with suppress(Exception):
                self._end()
            os._exit(0)

    def _end(self) -> None:
        """No further step begins, and the spans are sent out."""
        self._cancelled.set()
        if self._work is not None:
            self._work.interrupt()
        flush()

    def _outcome(self, job: Job) -> FromSlot:
        """Whatever the job does: an exception of any class is its failure, but for our own cancellation."""
        work = self._work = SlotWork(job, self._channel.send, self._cancelled)
        left_over: tuple[str, ...] = ()
        try:
            kind = self._kinds[job.kind]
            left_over = (_FRESH,) if kind.fresh_process else ()
            parameters = kind.read_parameters(job.parameters)
            return replace(_produced(kind.load()(parameters, work), work), left_over=left_over)
        except JobCancelled:
            return Cancelled()
        except BaseException as error:
            return Failed(
                error_type=type_of(error),
                message=message_of(error),
                traceback=stack_of(error),
                permanent=isinstance(error, PermanentError),
                step=work.fatal,
                left_over=("memory",) if isinstance(error, MemoryError) else left_over,
            )


def _produced(artefact: object, work: SlotWork) -> Produced:
    """Says of a result that is none what is wrong with it."""
    if not isinstance(artefact, Artefact):
        raise TypeError(f"The kind's function returned {type(artefact).__name__}, not an Artefact.")
    if not artefact.path.is_file():
        raise FileNotFoundError(f"The kind's function returned {artefact.path}, where there is no file.")
    return Produced(artefact.path, artefact.media_type, artefact.filename, work.failed)
