"""Supervision: runs the job in its slot, writes down each step, and returns the outcome."""

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from report_worker.attempt.context import AttemptContext
from report_worker.attempt.lease import Lease
from report_worker.attempt.outcome import Outcome, SlotFailure, UnsupportedKind, failed_with, slot_is_usable
from report_worker.attempt.step_results import StepResults, TooManyResults
from report_worker.attempt.waiting import CancelWanted, TookTooLong, Waiting
from report_worker.scratch import NotInDirectory, open_produced, remove_tree
from report_worker.slots import (
    Cancelled,
    Failed,
    FromSlot,
    Job,
    Produced,
    Reusable,
    Sink,
    Slot,
    SlotDied,
    StepEnded,
    StepStarted,
    TemplateDied,
)
from report_worker.slots.sanitize import message_of
from waybill.artefacts import ArtefactStoreUnavailable
from waybill.domain import (
    Carrier,
    Failure,
    FailureType,
    Progress,
    Report,
    StepChange,
    StepStatus,
    StepTaken,
)
from waybill.errors import PermanentError
from waybill.kinds import BrokenKind, Kind, UnavailableKind, UnknownKind, UnknownOutput
from waybill.store import StoreUnavailable

_LISTEN_SECONDS = 0.2
_TOGETHER_SECONDS = 0.01
"""For more steps to begin or end, which are then written in one transaction; or for the end of the job."""


class Supervision:
    """One job in one slot."""

    def __init__(self, context: AttemptContext, report: Report, lease: Lease, slot: Slot) -> None:
        self._context = context
        self._report = report
        self._lease = lease
        self._slot = slot
        self.waiting = Waiting(lease, lambda: self.cancel_wanted, self.write_steps)
        """For the artefact store."""
        self.results = StepResults(context, report, lease, self.waiting)
        self._directory: Path | None = None
        self._cancel_by: float | None = None
        self._unwritten: list[StepTaken] = []
        self._write_by = 0.0
        self._timeout = Kind.timeout
        self.deadline = 0.0
        """When the attempt has used up its time, on the monotonic clock."""
        self.max_attempts = Kind.max_attempts
        """Of the kind, as soon as it is known."""

    @property
    def cancelling(self) -> bool:
        """Whether the slot was asked to cancel: it cannot take another job then."""
        return self._cancel_by is not None

    @property
    def cancel_wanted(self) -> bool:
        return self._context.cancellations.wanted(self._report.id, self._report.attempt)

    def run(self, carrier: Carrier | None) -> Outcome:
        """Blocks until the outcome. Raises `Interrupted`, `LeaseLost`, `StoreUnavailable`, `TemplateDied`."""
        report = self._report
        try:
            definition, kind = self._kind()
            self.max_attempts = kind.max_attempts
            parameters = kind.read_parameters(report.parameters)
            outputs = kind.wanted_outputs(report.outputs)
            steps = kind.step_names(parameters, outputs)
        except StoreUnavailable:
            raise
        except Exception as error:
            return _not_started(error)
        try:
            self._directory = Path(tempfile.mkdtemp(dir=self._context.scratch))
        except OSError as error:
            message = f"The worker cannot create a directory for the job's files: {error}"
            return SlotFailure(Failure(FailureType.NO_DIRECTORY, message))
        self._timeout = min(kind.timeout, report.timeout or kind.timeout)
        self.deadline = time.monotonic() + self._timeout.total_seconds()
        results = self._find_results(self._directory)
        if isinstance(results, SlotFailure | Cancelled):
            return results
        job = Job(
            report_id=report.id,
            attempt=report.attempt,
            kind=report.kind,
            parameters=report.parameters,
            directory=self._directory,
            carrier=carrier,
            definition=definition,
            outputs=outputs,
            results=results,
        )
        return self._supervise(kind, steps, job)

    def _kind(self) -> tuple[str | None, Kind]:
        """With the text of its definition, if it has one."""
        report = self._report
        if report.definition is None:
            return None, self._context.kinds[report.kind]
        # imported where it is needed: it takes a second, and memory
        from waybill.definitions import WrongDefinition, stored_kind

        text = self._context.ledger.definitions.text(report.definition)
        try:
            return text, stored_kind(text)
        except WrongDefinition as error:  # by the rules of this version
            raise UnavailableKind(BrokenKind(report.kind, str(error))) from error

    def take_unwritten(self) -> Sequence[StepTaken]:
        """The steps that are still to be written, with the change that ends the attempt."""
        unwritten, self._unwritten = self._unwritten, []
        return unwritten

    def write_steps(self) -> None:
        """Those that are not yet. Raises `LeaseLost`, `StoreUnavailable`."""
        if unwritten := self.take_unwritten():
            fence, ledger = self._lease.fence, self._context.ledger
            self._lease.write(lambda: ledger.steps(fence, unwritten))

    def open_file(self, path: Path) -> BinaryIO:
        """A file that the job says it has produced. Raises `PermanentError`."""
        if self._directory is None:
            raise PermanentError("No job has run.")
        return open_produced(self._directory, path)

    def remove_files(self) -> None:
        """Removes the job's directory. The slot must not run the job any more."""
        if self._directory:
            remove_tree(self._directory)

    def _supervise(self, kind: Kind, steps: Sequence[str], job: Job) -> Outcome:
        progress = Progress(steps[0] if steps else "", 0, len(steps))
        try:
            self._slot.start(job, fresh=kind.fresh_process, sink=self._sink())
            while time.monotonic() < self.deadline:
                received = self._receive()
                if isinstance(received, Produced | Failed | Cancelled):
                    if not slot_is_usable(received):
                        self._slot.stop()  # else what the job has left writes on into the file that is stored
                    return received
                if isinstance(received, StepStarted | StepEnded):
                    progress = self._note(received, progress, job.directory)
                if self._unwritten and time.monotonic() >= self._write_by:
                    self.write_steps()
                if self._cancel_by is not None and time.monotonic() >= self._cancel_by:
                    self._slot.stop()
                    return Cancelled()
        except TemplateDied:
            raise
        except SlotDied as error:
            return SlotFailure(Failure(FailureType.SLOT_DIED, str(error), progress.step))
        except (NotInDirectory, TooManyResults) as error:
            self._slot.stop()
            return replace(failed_with(error), left_over=("a result that was refused",))
        self._slot.stop()
        return self._timed_out(progress.step)

    def _timed_out(self, step: str | None = None) -> SlotFailure:
        message = f"The attempt took longer than {self._timeout}."
        return SlotFailure(Failure(FailureType.TIMED_OUT, message, step))

    def _find_results(self, directory: Path) -> Mapping[str, Reusable] | SlotFailure | Cancelled:
        """What earlier attempts have stored."""
        try:
            return self.results.find(directory, self.deadline)
        except CancelWanted:
            return Cancelled()
        except TookTooLong:
            return self._timed_out()
        except ArtefactStoreUnavailable as error:
            return SlotFailure(Failure(FailureType.ARTEFACT_STORE, str(error)))
        except OSError as error:
            message = f"The worker cannot put the results of steps into the job's directory: {error}"
            return SlotFailure(Failure(FailureType.NO_DIRECTORY, message))

    def _sink(self) -> Callable[[str], Sink] | None:
        """Of what the job prints."""
        output, report = self._context.output, self._report
        return partial(output.sink, report.id, report.attempt) if output else None

    def _receive(self) -> FromSlot | None:
        self._lease.renew_if_due()
        self._cancel_if_wanted()
        received = self._slot.receive(_TOGETHER_SECONDS if self._unwritten else _LISTEN_SECONDS)
        if isinstance(received, Cancelled) and not self.cancelling:
            raise SlotDied("The process that ran the report says that it was cancelled; it was not.")
        return received

    def _cancel_if_wanted(self) -> None:
        if self._cancel_by is None and self.cancel_wanted:
            self._slot.cancel()
            self._cancel_by = time.monotonic() + self._context.cancel_grace.total_seconds()

    def _note(self, received: StepStarted | StepEnded, before: Progress, directory: Path) -> Progress:
        """The progress after it. One with a result is written at once: the job waits for that."""
        kept = received.kept if isinstance(received, StepEnded) else None
        result = self.results.keep(received.name, kept, directory, self.deadline) if kept else None
        change = _change(received)
        progress = before.after(change)
        if not self._unwritten:
            self._write_by = time.monotonic() + _TOGETHER_SECONDS
        self._unwritten.append(StepTaken(change, progress, result))
        if kept:
            self.write_steps()
            self._cancel_if_wanted()  # before it goes on: else its next step would begin
            self._slot.note()
        return progress


def _not_started(error: Exception) -> UnsupportedKind | Failed:
    """The kind, its parameters or its outputs are not as this worker knows them."""
    if _is_of_another_version(error):
        message = f"This worker's version does not support what is requested: {message_of(error)}"
        return UnsupportedKind(Failure(FailureType.UNSUPPORTED_KIND, message))
    return failed_with(error)


def _is_of_another_version(error: Exception) -> bool:
    """Whether the API knows a kind, a parameter or an output that is unknown here: in an upgrade the next
    worker may know it."""
    if isinstance(error, ValidationError):
        return all(one["type"] == "extra_forbidden" for one in error.errors())
    return isinstance(error, UnknownKind | UnavailableKind | UnknownOutput)


def _change(received: StepStarted | StepEnded) -> StepChange:
    reused_from = received.reused_from_attempt
    if isinstance(received, StepStarted):
        return StepChange(received.name, StepStatus.RUNNING, reused_from_attempt=reused_from)
    status = StepStatus.FAILED if received.error is not None else StepStatus.DONE
    return StepChange(received.name, status, received.duration_ms, received.error, reused_from)
