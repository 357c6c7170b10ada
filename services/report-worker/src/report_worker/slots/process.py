"""A slot's own process: takes one job after the other."""

import os
import threading
import traceback
from collections.abc import Sequence
from contextlib import suppress
from contextvars import copy_context
from dataclasses import replace
from queue import SimpleQueue

from report_worker.previews import preview_of
from report_worker.slots.capture import Capture
from report_worker.slots.channel import Channel, WrongFrameError
from report_worker.slots.protocol import (
    Cancel,
    Cancelled,
    Failed,
    FromSlot,
    Job,
    Noted,
    Produced,
    ProducedFile,
    Ready,
    StepEnded,
    StepStarted,
    Stop,
    ToSlot,
)
from report_worker.slots.sanitize import message_of, stack_of, storable, type_of
from report_worker.slots.state import ProcessState
from report_worker.slots.work import JobCancelled, SlotWork
from waybill.errors import PermanentError
from waybill.kinds import Artefact, Kind, Registry, check_together
from waybill.telemetry import flush

_FRESH = "its kind's wish for a fresh process"
_END_SECONDS = 5.0
"""For the other thread to end the process."""


class SlotProcess:
    """The main thread works; a second one listens, so that a job of any kind can be stopped."""

    def __init__(
        self, channel: Channel[FromSlot, ToSlot], kinds: Registry, capture: Capture | None = None
    ) -> None:
        """`capture`: of what the jobs print; without one it goes where the worker's own output does."""
        self._channel = channel
        self._kinds = kinds
        self._capture = capture
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._work: SlotWork | None = None
        self._cancelled = threading.Event()
        self._noted: SimpleQueue[Noted] = SimpleQueue()
        self._pid = os.getpid()

    def run(self) -> None:
        """Until the worker says stop, or is gone."""
        listening = threading.Thread(target=self._listen, name="listen", daemon=True)
        listening.start()
        if self._capture:
            self._capture.begin()
        state = ProcessState()
        # The worker is gone, and the other thread ends the process; or a job has closed the channel's file.
        with suppress(OSError):
            self._channel.send(Ready())
            while True:
                # in a context of its own: what a job sets in it, such as a current span, ends with the job
                outcome = copy_context().run(self._outcome, self._jobs.get())
                if isinstance(outcome, Produced | Failed):
                    outcome = replace(outcome, left_over=outcome.left_over + state.left_over())
                if self._capture:
                    self._capture.flush()
                self._channel.send(outcome)
                self._work = None
        listening.join(_END_SECONDS)

    def _listen(self) -> None:
        try:
            while not isinstance(received := self._channel.receive(), Stop):
                if isinstance(received, Job):
                    self._cancelled.clear()
                    self._jobs.put(received)
                elif isinstance(received, Cancel):
                    self._cancelled.set()
                elif isinstance(received, Noted):
                    self._noted.put(received)
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
        work = self._work = SlotWork(job, self._tell, self._cancelled)
        left_over: tuple[str, ...] = ()
        try:
            kind = self._kind(job)
            left_over = (_FRESH,) if kind.fresh_process else ()
            parameters = kind.read_parameters(job.parameters)
            returned = kind.load()(parameters, work)
            self._end_forked()
            return replace(_produced(returned, work), left_over=left_over)
        except BaseException as error:
            self._end_forked(error)
            if issubclass(type(error), JobCancelled) and self._cancelled.is_set():
                return Cancelled()
            return Failed(
                error_type=type_of(error),
                message=message_of(error),
                traceback=stack_of(error),
                permanent=issubclass(type(error), PermanentError),
                step=work.fatal,
                left_over=("memory",) if issubclass(type(error), MemoryError) else left_over,
            )

    def _kind(self, job: Job) -> Kind:
        if job.definition is None:
            return self._kinds[job.kind]
        from waybill.definitions import stored_kind  # only where it is needed

        return stored_kind(job.definition)

    def _tell(self, message: StepStarted | StepEnded) -> None:
        """The steps of a process that the job has forked are not the report's. Where a step has kept a
        result, blocks until that is stored, or cannot be."""
        if os.getpid() == self._pid:
            self._mark(message)
            self._channel.send(message)
            if isinstance(message, StepEnded) and message.kept:
                self._noted.get()

    def _mark(self, message: StepStarted | StepEnded) -> None:
        """Before the worker hears of the step's end: what the step has printed is before the mark."""
        if self._capture and self._work:
            is_running = isinstance(message, StepStarted)
            self._capture.step(message.name if is_running else None, self._work.running)

    def _end_forked(self, error: BaseException | None = None) -> None:
        """Ends a process that the job has forked and that has left the job's function: its end is no outcome
        of the report, and it takes no other job. As Python ends a program, but without its hooks."""
        if os.getpid() == self._pid:
            return
        code = error.code if isinstance(error, SystemExit) else error
        with suppress(BaseException):
            if code is error and error is not None:
                traceback.print_exception(error)
        os._exit(code if isinstance(code, int) else code is not None)


def _produced(returned: object, work: SlotWork) -> Produced:
    """Says of a result that is none what is wrong with it."""
    artefacts = tuple(returned) if isinstance(returned, Sequence) else (returned,)
    files = tuple(_file(one) for one in artefacts)
    check_together([one for one in artefacts if isinstance(one, Artefact)])
    return Produced(files, work.failed)


def _file(artefact: object) -> ProducedFile:
    if not isinstance(artefact, Artefact):
        raise TypeError(f"The kind's function returned {type(artefact).__name__}, not an Artefact.")
    if not artefact.path.is_file():
        raise FileNotFoundError(f"The kind's function returned {artefact.path}, where there is no file.")
    if storable(path := str(artefact.path)) != path:
        raise ValueError(f"The kind's function returned {path}, which is no Unicode text.")
    preview = preview_of(artefact.path, artefact.media_type)
    return ProducedFile(artefact.path, artefact.media_type, artefact.filename, artefact.output, preview)
