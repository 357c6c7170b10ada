"""What the steps of one attempt keep for those after it, and reuse of those before it."""

import threading
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import structlog

from report_worker.attempt.context import AttemptContext
from report_worker.attempt.lease import Lease
from report_worker.attempt.waiting import CancelWanted, TookTooLong, Waiting, tried_twice
from report_worker.scratch import NotInDirectory, open_produced
from report_worker.slots import Kept, Reusable
from waybill.artefacts import ArtefactMissing, ArtefactStoreUnavailable, DamagedFile
from waybill.background import in_background
from waybill.domain import (
    MAX_RESULTS,
    MAX_VALUES_BYTES,
    Report,
    StepResult,
    StoredFile,
    work_digest,
)
from waybill.errors import PermanentError

log = structlog.get_logger(__name__)

_KEEPS = "step.keep must get a file in work.directory"
_UNUSABLE = (ArtefactMissing, DamagedFile, NotInDirectory, FileExistsError, NotADirectoryError)
"""The last two: the path is another's, which the slot refuses."""


class TooManyResults(PermanentError):  # noqa: N818 - the name is the sentence
    """The steps of one report have kept more than a slot can be given."""


class StepResults:
    """Of one attempt."""

    def __init__(self, context: AttemptContext, report: Report, lease: Lease, waiting: Waiting) -> None:
        self._context = context
        self._report = report
        self._lease = lease
        self._waiting = waiting
        self._digest = work_digest(report)
        self._results = 0
        self._bytes = 0
        self.are_stored = report.has_step_results
        """Whether there are any of the report."""

    def find(self, directory: Path, deadline: float) -> Mapping[str, Reusable]:
        """Those that the attempt can reuse, by the names of their steps; their files are in its directory
        then. A step whose file is missing, or is another one, has to run again.

        Raises `CancelWanted`, `TookTooLong`, `ArtefactStoreUnavailable`, `StoreUnavailable`, what the lease
        does, and `OSError` where there is no room for a file.
        """
        report = self._report
        if not report.has_step_results:  # as of almost all: no statement for it
            return {}
        ledger = self._context.ledger
        found = self._lease.write(lambda: ledger.step_results(report.id, self._digest))
        self._results, self._bytes = len(found), sum(len(one.value or "") for one in found)
        reusable = {one.step: self._reusable(one, directory, deadline) for one in found}
        return {step: one for step, one in reusable.items() if one}

    def keep(self, step: str, kept: Kept, directory: Path, deadline: float) -> StepResult | None:
        """What is to be written down when the step's end is; its file is stored. None where that could not be
        stored, or is given up: then the step runs again in another attempt. Raises what the lease does,
        `NotInDirectory` and `TooManyResults`."""
        self._results += 1
        self._bytes += len(kept.value or "")
        if self._results > MAX_RESULTS or self._bytes > MAX_VALUES_BYTES:
            raise TooManyResults("The steps of the report have kept more results than they may.")
        file = None
        if kept.path is not None:
            try:
                file = self._store(step, kept.path, directory, deadline)
            except (ArtefactStoreUnavailable, CancelWanted, TookTooLong) as error:
                self._log("result of a step not stored: another attempt runs the step again", step, error)
                return None
        self.are_stored = True
        attempt = self._report.attempt
        return StepResult(step, self._digest, attempt, kept.value, file, kept.carrier)

    def _store(self, step: str, path: Path, directory: Path, deadline: float) -> StoredFile:
        report = self._report
        with open_produced(directory, path, _KEEPS) as file:
            place = str(path.relative_to(directory))
            put = partial(
                self._context.artefacts.put_of_step,
                *(report.owner.tenant, report.id, report.attempt, step, place, file),
            )
            return self._waiting.until(deadline, in_background(lambda: tried_twice(put)))

    def _reusable(self, result: StepResult, directory: Path, deadline: float) -> Reusable | None:
        path = None
        if result.file is not None:
            try:
                path = self._fetch(result.file, directory, deadline)
            except _UNUSABLE as error:
                self._log("result of a step not reused: the step runs again", result.step, error)
                return None
        return Reusable(result.attempt, result.value, path, result.carrier)

    def _fetch(self, file: StoredFile, directory: Path, deadline: float) -> Path:
        """Nothing else is at work in the directory yet."""
        path = directory / file.path
        if ".." in path.parts or not path.is_relative_to(directory):
            raise NotInDirectory(f"{_KEEPS}; {file.path} is not in it.")
        path.parent.mkdir(parents=True, exist_ok=True)
        stop = threading.Event()
        with path.open("xb") as target:
            read = partial(self._context.artefacts.read_into, target, file, stop)
            try:
                self._waiting.until(deadline, in_background(read))
            except BaseException:
                stop.set()
                path.unlink()
                raise
        return path

    def _log(self, event: str, step: str, error: Exception) -> None:
        reason = str(error) or type(error).__name__
        report = self._report
        log.warning(event, report_id=str(report.id), attempt=report.attempt, step=step, reason=reason)
