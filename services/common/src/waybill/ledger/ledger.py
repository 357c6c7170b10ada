"""What clients and workers do to a report."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection

from waybill.domain import (
    AttemptTrace,
    Carrier,
    Failure,
    Fence,
    LeasePolicy,
    NewReport,
    Progress,
    Report,
    Status,
    StepChange,
    StoredArtefact,
)
from waybill.errors import WaybillError
from waybill.ledger import dead_letters
from waybill.ledger.recorder import Recorder
from waybill.messages import DeadLetter, status_event, step_event
from waybill.store import KnownRequest, ReportFilter, StoredEvent
from waybill.store.statements import events, idempotency, reports


class LeaseLost(WaybillError):  # noqa: N818 - the name is the sentence
    """The attempt is no longer this worker's: whatever it still writes is refused."""

    def __init__(self, fence: Fence) -> None:
        super().__init__(f"Attempt {fence.attempt} at report {fence.report_id} has lost its lease.")


class KeyReused(WaybillError):  # noqa: N818 - the name is the sentence
    """The idempotency key belongs to another request."""


class KeyInFlight(WaybillError):  # noqa: N818 - the name is the sentence
    """A request with the same idempotency key is under way."""


@dataclass(frozen=True)
class IdempotencyKey:
    """A client's name for its request, and the request's checksum."""

    key: str
    request_sha256: str


class Ledger:
    """Reads and changes reports. Every method is one transaction, may block on the database, and raises
    `StoreUnavailable` where that is away. Each change is announced, in order, on `report-status`."""

    def __init__(self, recorder: Recorder, lease: LeasePolicy) -> None:
        self._recorder = recorder
        self._lease = lease

    # --- reading

    def get(self, report_id: UUID) -> Report | None:
        with self._recorder.transaction() as connection:
            return reports.get(connection, report_id)

    def page(self, wanted: ReportFilter) -> list[Report]:
        with self._recorder.transaction() as connection:
            return reports.page(connection, wanted)

    def events_after(self, report_id: UUID, version: int) -> list[StoredEvent]:
        """What a client that has seen `version` has missed, in order."""
        with self._recorder.transaction() as connection:
            return events.after(connection, report_id, version)

    def cancelled_attempts(self, owner: str) -> list[tuple[UUID, int]]:
        """Of the reports that `owner` runs, those that somebody wants cancelled, with their attempts."""
        with self._recorder.transaction() as connection:
            return reports.cancelled_attempts(connection, owner)

    # --- what a client asks for

    def accept(self, new: NewReport, key: IdempotencyKey | None = None) -> Report:
        """Keeps a requested report and its command. Once it returns, the report will be worked on.

        With a `key` that was used for the same request, it is the report of then. Raises `KeyReused`
        where it was another request, and `KeyInFlight` while one is under way.
        """
        with self._recorder.transaction() as connection:
            known = _report_of_key(connection, key) if key else None
            if known is not None:
                return known
            report = reports.insert_new(connection, new, self._recorder.enqueue_again)
            if report is None:
                raise AssertionError(f"a new id is taken: {new.id}")
            if key:
                idempotency.put(connection, key.key, KnownRequest(key.request_sha256, report.id))
            self._recorder.record(connection, status_event(report), report, self._recorder.command(report))
        return self._announced(report)

    def accept_foreign(self, new: NewReport) -> Report:
        """Keeps a report that a message without a row has asked for, once for each `source`.

        There is no command: the message is its own.
        """
        if new.source is None:
            raise AssertionError("a foreign report has a source")
        with self._recorder.transaction() as connection:
            report = reports.insert_new(connection, new, self._recorder.enqueue_again)
            if report is None:
                known = reports.get_by_source(connection, new.source)
                if known is None:
                    raise AssertionError(f"the source is taken by nobody: {new.source}")
                return known
            self._recorder.record(connection, status_event(report), report)
        return self._announced(report)

    def cancel(self, report_id: UUID) -> Report | None:
        """Ends a report that waits, or asks the worker that has it. None where it has ended already, or is
        being cancelled."""
        with self._recorder.transaction() as connection:
            reports.lock(connection, report_id)  # else, while its worker returns it, it is neither of the two
            report = reports.cancel_waiting(connection, report_id) or reports.request_cancel(
                connection, report_id
            )
            if report is None:
                return None
            self._recorder.record(connection, status_event(report), report)
        return self._announced(report)

    # --- what a worker does

    def claim(self, report_id: UUID, owner: str, carrier: Carrier | None = None) -> Report | None:
        """A new attempt with a lease, or None where the report does not wait for one. A report that has no
        trace gets `carrier`."""
        with self._recorder.transaction() as connection:
            report = reports.claim(connection, report_id, owner, self._lease, carrier)
            if report is None:
                return None
            self._recorder.record(connection, status_event(report), report)
        return self._announced(report)

    def heartbeat(self, fence: Fence, attempt_trace: AttemptTrace | None = None) -> None:
        """Renews the lease. Raises `LeaseLost`."""
        with self._recorder.transaction() as connection:
            if not reports.renew_lease(connection, fence, self._lease, attempt_trace):
                raise LeaseLost(fence)

    def step(self, fence: Fence, progress: Progress, change: StepChange) -> Report:
        """One step began or ended, which leaves the attempt at `progress`. Raises `LeaseLost`."""
        with self._recorder.transaction() as connection:
            report = _held(reports.change_progress(connection, fence, progress), fence)
            self._recorder.record(connection, step_event(report, change), report)
        return self._announced(report)

    def finish(
        self,
        fence: Fence,
        status: Status,
        failure: Failure | None = None,
        artefact: StoredArtefact | None = None,
        letter: DeadLetter | None = None,
    ) -> Report:
        """The report's end; with a dead letter where it has used up its attempts. Raises `LeaseLost`."""
        with self._recorder.transaction() as connection:
            report = _held(reports.finish(connection, fence, status, failure, artefact), fence)
            self._recorder.record(connection, status_event(report), report)
            if letter:
                dead_letters.put(connection, self._recorder.topics, letter, report.carrier)
        return self._announced(report, letter)

    def retry(self, fence: Fence, failure: Failure, delay: timedelta, *, counted: bool = True) -> Report:
        """Returns a failed attempt's report to `init`, for another after `delay`; ends one that is to be
        cancelled instead. An attempt that is not `counted` is one of its interruptions, not of its failures.
        Raises `LeaseLost`."""
        with self._recorder.transaction() as connection:
            report = reports.retry_later(connection, fence, failure, delay, counted=counted)
            report = report or _cancelled(connection, fence)
            self._recorder.record(connection, status_event(report), report)
        return self._announced(report)

    def hand_back(self, fence: Fence) -> Report:
        """Returns an interrupted attempt's report to `init` with a new command; ends one that is to be
        cancelled instead. Raises `LeaseLost`."""
        with self._recorder.transaction() as connection:
            report = reports.hand_back(connection, fence, self._recorder.enqueue_again)
            more = [self._recorder.command(report)] if report else []
            report = report or _cancelled(connection, fence)
            self._recorder.record(connection, status_event(report), report, *more)
        return self._announced(report)

    def _announced(self, report: Report, letter: DeadLetter | None = None) -> Report:
        self._recorder.announce(str(report.id))
        if letter:
            self._recorder.announce(str(letter.id))
        return report


def _held(report: Report | None, fence: Fence) -> Report:
    if report is None:
        raise LeaseLost(fence)
    return report


def _cancelled(connection: Connection, fence: Fence) -> Report:
    """The end of an attempt that could not return its report, because somebody wants it cancelled."""
    return _held(reports.finish(connection, fence, Status.CANCELLED, None, None), fence)


def _report_of_key(connection: Connection, key: IdempotencyKey) -> Report | None:
    """The report that the key's first request led to. No other request with this key is under way then."""
    if not idempotency.try_lock(connection, key.key):
        raise KeyInFlight(f"A request with the Idempotency-Key {key.key!r} is under way.")
    known = idempotency.get(connection, key.key)
    if known is None:
        return None
    if known.request_sha256 != key.request_sha256:
        raise KeyReused(f"The Idempotency-Key {key.key!r} was used for another request.")
    return reports.get(connection, known.report_id)
