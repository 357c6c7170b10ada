"""What clients and workers do to a report."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection

from waybill.domain import (
    UNKNOWN_OWNER,
    Action,
    Actor,
    AttemptTrace,
    AuditEntry,
    Carrier,
    End,
    Fence,
    LeasePolicy,
    NewReport,
    Origin,
    Owner,
    Report,
    Requeue,
    Retry,
    Status,
    StepResult,
    StepTaken,
    StoredArtefact,
)
from waybill.ledger.batch import accept_one
from waybill.ledger.changes import Changes
from waybill.ledger.definitions import StoredDefinitions
from waybill.ledger.errors import KeyInFlight, KeyReused
from waybill.ledger.transactions import Transactions
from waybill.ledger.writer import Pending, Writer
from waybill.ledger.writes import UNKNOWN_ORIGIN, Acceptance, Claim, Conclusion, Heartbeat, Steps
from waybill.store import AuditFilter, KnownRequest, ReportFilter, ReportPage, StoredEvent
from waybill.store.statements import (
    audit,
    events,
    idempotency,
    kind_limits,
    listing,
    reports,
    step_results,
    step_times,
)


@dataclass(frozen=True)
class IdempotencyKey:
    """A client's name for its request, and the request's checksum. Each owner has names of its own."""

    key: str
    request_sha256: str
    owner: Owner = UNKNOWN_OWNER

    @property
    def stored(self) -> str:
        """As it is kept. One without an owner is kept as earlier versions do, which run beside this one
        during an upgrade; no client's name has the character in between."""
        if self.owner == UNKNOWN_OWNER:
            return self.key
        return "\x1f".join((self.owner.tenant, self.owner.name, self.key))


@dataclass(frozen=True)
class Silence:
    """Of the worker of an attempt that runs: how long it `lasts`, and what is `left` of the lease. Once
    nothing is, the report is taken from the worker."""

    lasts: timedelta
    left: timedelta


class Ledger:
    """Reads and changes reports. Every method may block on the database, and raises `StoreUnavailable` where
    that is away. Each change is published, in order, on `report-status`.

    A method is a transaction of its own, but for what comes often: requests, and what workers write of their
    attempts. Of these, what several threads write at the same time is one.
    """

    def __init__(self, transactions: Transactions, lease: LeasePolicy) -> None:
        self._transactions = transactions
        self._lease = lease
        self.writer = Writer(transactions, lease)
        self.definitions = StoredDefinitions(transactions)

    def changes(self) -> AbstractContextManager[Changes]:
        """Several changes in one transaction; the methods below are one each."""
        return self._transactions.changes()

    # --- reading

    def get(self, report_id: UUID) -> Report | None:
        with self._transactions.reading() as connection:
            return reports.get(connection, report_id)

    def get_with_age(self, report_id: UUID) -> tuple[Report, timedelta] | None:
        """A report, and the time since its last change."""
        with self._transactions.reading() as connection:
            return reports.get_with_age(connection, report_id)

    def silence(self, report: Report) -> Silence | None:
        """None where it does not run, or its worker renewed the lease lately. Asks the database only where it
        runs."""
        if report.status is not Status.PROCESSING:
            return None
        with self._transactions.reading() as connection:
            left = reports.lease_left(connection, report.id, report.attempt)
        if left is None or (lasts := self._lease.silence(left)) is None:
            return None
        return Silence(lasts, max(timedelta(0), left))

    def page(self, wanted: ReportFilter) -> ReportPage:
        with self._transactions.reading() as connection:
            return listing.page(connection, wanted)

    def events_after(self, report_id: UUID, version: int, limit: int) -> list[StoredEvent]:
        """What a client that has seen `version` has missed, in order: the first `limit` of it."""
        with self._transactions.reading() as connection:
            return events.after(connection, report_id, version, limit)

    def events_after_each(self, versions: Mapping[UUID, int], limit: int) -> list[tuple[UUID, StoredEvent]]:
        """What has come after a version of each of several reports, in order: the first `limit` of each."""
        with self._transactions.reading() as connection:
            return events.after_each(connection, versions, limit)

    def usual_step_times(self, kind: str, tenant: str) -> dict[str, float]:
        """The median of what each step has taken in the latest reports of a kind that are done, by its name,
        in milliseconds."""
        with self._transactions.reading() as connection:
            return step_times.usual(connection, kind, tenant)

    def cancelled_attempts(self, owner: str) -> list[tuple[UUID, int]]:
        """Of the reports that `owner` runs, those that are to be cancelled, with their attempts."""
        with self._transactions.reading() as connection:
            return reports.cancelled_attempts(connection, owner)

    def step_results(self, report_id: UUID, digest: str) -> list[StepResult]:
        """What steps of earlier attempts have stored, for an attempt with this digest."""
        with self._transactions.reading() as connection:
            return step_results.of_report(connection, report_id, digest)

    # --- requested by a client

    def accept(self, new: NewReport, key: IdempotencyKey | None = None) -> Report:
        """Keeps a requested report and its command. Once it returns, the report will be worked on.

        With a `key` that was used for the same request, it is the report of then. Raises `KeyReused`
        where it was another request, and `KeyInFlight` while one is under way; and `LimitReached`.
        """
        if key is None:
            return _written(self.writer.write(Acceptance(new)))
        with self.changes() as changes:
            existing = _report_of_key(changes.connection, key)
            if existing is not None:
                return existing
            report = accept_one(changes, new)
            idempotency.put(changes.connection, key.stored, KnownRequest(key.request_sha256, report.id))
        return report

    def accept_external(self, new: NewReport) -> Report:
        """Keeps a report that a message without a row has requested, once for each `source`.

        There is no command: the message is its own.
        """
        if new.source is None:
            raise AssertionError("an external report has a source")
        with self.changes() as changes:
            report = changes.insert_external(new) or reports.get_by_source(changes.connection, new.source)
        if report is None:
            raise AssertionError(f"the source is taken, but no report has it: {new.source}")
        return report

    def cancel(self, report_id: UUID, actor: Actor | None = None) -> Report | None:
        """Ends a report that waits, or asks the worker that has it. None where it has ended already, or is
        being cancelled. `actor`: who asks for it, if that is known."""
        with self.changes() as changes:
            report = changes.cancel(report_id)
            if report:
                changes.audit(report.audit_event(actor, Action.CANCEL))
        return report

    def note_download(self, report: Report, actor: Actor) -> None:
        """An authenticated client gets an artefact of the report."""
        with self.changes() as changes:
            changes.audit(report.audit_event(actor, Action.DOWNLOAD))

    def audit(self, wanted: AuditFilter) -> list[AuditEntry]:
        """Who did what, newest first."""
        with self._transactions.reading() as connection:
            return audit.page(connection, wanted)

    # --- by a worker

    def claim(
        self,
        report_id: UUID,
        owner: str,
        carrier: Carrier | None = None,
        attempt_trace: AttemptTrace | None = None,
        *,
        alone: bool,
    ) -> Report | None:
        """A new attempt with a lease, or None where the report does not wait for one, or must run alone and
        would not (`alone` is False). A report that has no trace gets `carrier`.

        `attempt_trace` is stored for recovery, with the attempt's number; what is returned has that of the
        attempt before.
        """
        return self.begin_claim(report_id, owner, carrier, attempt_trace, alone=alone).result()

    def begin_claim(
        self,
        report_id: UUID,
        owner: str,
        carrier: Carrier | None = None,
        attempt_trace: AttemptTrace | None = None,
        *,
        alone: bool,
    ) -> Pending:
        """As `claim`, but does not block: it is written with the next change of this process, or when its
        result is asked for."""
        return self.writer.begin(Claim(report_id, owner, carrier, attempt_trace, alone))

    def postpone(self, report_id: UUID, delay: timedelta) -> None:
        """A report that waits gets its next command after `delay`, though the last one was read."""
        with self._transactions.reading() as connection:
            reports.postpone(connection, report_id, delay)

    def let_wait(self, report_id: UUID) -> bool:
        """A report whose command was read, but whose claim was refused, as since its kind is paused, waits
        for another one. False where it had none, or has ended."""
        with self._transactions.reading() as connection:
            return kind_limits.let_wait(connection, report_id)

    def heartbeat(self, fence: Fence) -> None:
        """Renews the lease. Raises `LeaseLost`."""
        self.writer.write(Heartbeat(fence))

    def steps(self, fence: Fence, taken: Sequence[StepTaken]) -> Report:
        """Steps began or ended: each is a change with a version and an event, and is stored with its result.
        Raises `LeaseLost`."""
        return _written(self.writer.write(Steps(fence, taken)))

    def finish(
        self,
        fence: Fence,
        end: End,
        artefacts: Sequence[StoredArtefact] = (),
        origin: Origin = UNKNOWN_ORIGIN,
        steps: Sequence[StepTaken] = (),
        *,
        has_step_results: bool = False,
    ) -> Report:
        """The report's end, with all of its artefacts; with a dead letter, which names `origin`, where it is
        exhausted. A failure of one that is to be cancelled is its cancellation. Where it is done, nothing
        needs its `has_step_results` any more. Before it, `steps` that began or ended, as in all methods
        below. Raises `LeaseLost`."""
        write = Conclusion(fence, end, steps, artefacts, origin, has_step_results)
        return _written(self.writer.write(write))

    def retry(self, fence: Fence, retry: Retry, steps: Sequence[StepTaken] = ()) -> Report:
        """Returns a failed attempt's report to `init`, for another after a delay; ends one that is to be
        cancelled instead. Raises `LeaseLost`."""
        return _written(self.writer.write(Conclusion(fence, retry, steps)))

    def release(self, fence: Fence, steps: Sequence[StepTaken] = ()) -> Report:
        """Returns an interrupted attempt's report to `init` with a new command; ends one that is to be
        cancelled instead. Raises `LeaseLost`."""
        return _written(self.writer.write(Conclusion(fence, Requeue(), steps)))


def _written(report: Report | None) -> Report:
    if report is None:
        raise AssertionError("a change of a report returns the report")
    return report


def _report_of_key(connection: Connection, key: IdempotencyKey) -> Report | None:
    """The report that the key's first request led to. No other request with this key is under way then."""
    if not idempotency.try_lock(connection, key.stored):
        raise KeyInFlight(
            f"A request with the Idempotency-Key {key.key!r} is still in progress; send it again later."
        )
    existing = idempotency.get(connection, key.stored)
    if existing is None:
        return None
    if existing.request_sha256 != key.request_sha256:
        raise KeyReused(
            f"The Idempotency-Key {key.key!r} was already used for a different request; use a new key."
        )
    return reports.get(connection, existing.report_id)
