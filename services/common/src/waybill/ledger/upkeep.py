"""What keeps reports moving when processes die, and the tables small. Any process may do it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection

from waybill.artefacts import ArtefactStore, ArtefactStoreUnavailable
from waybill.domain import AttemptTrace, Failure, Origin, Report, RetentionPolicy, RetryPolicy, Status
from waybill.ledger import dead_letters as letters
from waybill.ledger.recorder import Recorder
from waybill.messages import status_event
from waybill.store import Backlog, OutboxMessage
from waybill.store.statements import dead_letters, events, idempotency, outbox, reports

_BATCH = 100


@dataclass(frozen=True)
class Reaped:
    """A report as its lost attempt left it, and as it is now."""

    lost: Report
    now: Report

    @property
    def spans(self) -> AttemptTrace | None:
        """What the lost attempt left to be ended. The row may still tell of an attempt before it, whose spans
        were ended then."""
        known = self.lost.attempt_trace
        return known if known and known.attempt in (None, self.lost.attempt) else None


@dataclass(frozen=True)
class Purged:
    """How many reports were removed, and when the last one ended that was looked at; None where that was the
    last of all. `error`: why its files could not be removed."""

    removed: int
    until: datetime | None
    error: ArtefactStoreUnavailable | None = None


class Upkeep:
    """Each method does one batch, skips rows that others hold, and may be called again at once while it
    returns something. Raises `StoreUnavailable`."""

    def __init__(self, recorder: Recorder, retry: RetryPolicy, retention: RetentionPolicy) -> None:
        self._recorder = recorder
        self._retry = retry
        self._retention = retention

    def reap(self, grace: timedelta) -> list[Reaped]:
        """Returns reports whose lease ran out more than `grace` ago to `init`, with a new command. One that
        has cost too many workers, or is to be cancelled, ends instead."""
        with self._recorder.transaction() as connection:
            reaped = [
                self._reap(connection, lost) for lost in reports.lock_expired(connection, grace, _BATCH)
            ]
        for one in reaped:
            self._recorder.announce(str(one.now.id))
        return reaped

    def enqueue(self) -> list[Report]:
        """Gives waiting reports that are due another command: retries, and those whose command was lost."""
        with self._recorder.transaction() as connection:
            due = reports.lock_unqueued(connection, self._recorder.topics.report, _BATCH)
            if due:
                reports.set_enqueue_again(
                    connection, [report.id for report in due], self._recorder.enqueue_again
                )
                outbox.put(connection, [self._recorder.command(report) for report in due])
        for report in due:
            self._recorder.announce(str(report.id))
        return due

    def forget(self) -> int:
        """Removes idempotency keys and dead letters that have been kept for long enough; how many."""
        kept = self._retention
        with self._recorder.transaction() as connection:
            removed = idempotency.remove_old(connection, kept.idempotency_keys, kept.batch)
            return removed + dead_letters.remove_old(connection, kept.dead_letters, kept.batch)

    def purge(self, artefacts: ArtefactStore, after: datetime | None = None) -> Purged:
        """Removes reports that have been kept for long enough, with their events and artefacts: those that
        ended first of all that ended later than `after`. The batch ends at files that cannot be removed.

        The files go first, while no row is locked: the next round finds again what one that died has begun.
        """
        kept, error = self._retention, None
        with self._recorder.transaction() as connection:
            old = reports.old(connection, kept.reports, after, kept.batch)
        without_files = []
        until = old[-1].finished_at if len(old) == kept.batch else None
        for one in old:
            try:
                artefacts.remove_all(one.id, one.attempt)
            except ArtefactStoreUnavailable as unavailable:
                until, error = one.finished_at, unavailable
                break
            without_files.append(one.id)
        return Purged(self._remove(without_files), until, error)

    def tell_again(self, keys: list[str]) -> None:
        """Announces each report's last event anew, for when an older one may have been published after it."""
        with self._recorder.transaction() as connection:
            for report in (reports.lock_by_key(connection, key) for key in sorted(keys)):
                latest = report and events.latest(connection, report.id)
                if report and latest:
                    topic = self._recorder.topics.report_status
                    outbox.put(
                        connection, [OutboxMessage(topic, str(report.id), latest.data, report.carrier)]
                    )
        for key in keys:
            self._recorder.announce(key)

    def backlog(self) -> Backlog:
        """What waits to be published, for the metrics."""
        with self._recorder.transaction() as connection:
            return outbox.backlog(connection)

    def refused(self, connection: Connection, message: OutboxMessage, reason: str) -> None:
        """The broker will never take `message`: a report that waits for it fails, in this transaction."""
        if message.topic != self._recorder.topics.report:
            return
        report = reports.get_by_key(connection, message.key)
        failure = Failure("refused_by_broker", f"Kafka does not take the report's command: {reason}")
        ended = reports.fail_waiting(connection, report.id, failure) if report else None
        if ended:
            self._recorder.record(connection, status_event(ended), ended)

    def _reap(self, connection: Connection, lost: Report) -> Reaped:
        more = self._recorder.enqueue_again
        if lost.cancel_requested:
            now = reports.reap(connection, lost, Status.CANCELLED, None, more)
        elif lost.losses + 1 >= self._retry.most_losses:
            failure = Failure("lost", f"{lost.losses + 1} workers were lost with this report in hand.")
            now = reports.reap(connection, lost, Status.FAIL, failure, more)
            topics = self._recorder.topics
            origin = lost.attempt_trace.origin if lost.attempt_trace else Origin(topics.report, -1, -1)
            letter = letters.report_letter(now, failure, origin, None)
            letters.put(connection, topics, letter, now.carrier)
        else:
            now = reports.reap(connection, lost, Status.INIT, None, more)
        commands = [self._recorder.command(now)] if now.status is Status.INIT else []
        self._recorder.record(connection, status_event(now), now, *commands)
        return Reaped(lost, now)

    def _remove(self, report_ids: list[UUID]) -> int:
        if not report_ids:
            return 0
        with self._recorder.transaction() as connection:
            gone = reports.lock_old(connection, self._retention.reports, report_ids)
            if gone:
                reports.remove(connection, gone)
                outbox.put(connection, [self._tombstone(report_id) for report_id in gone])
        for report_id in gone:
            self._recorder.announce(str(report_id))
        return len(gone)

    def _tombstone(self, report_id: UUID) -> OutboxMessage:
        return OutboxMessage(self._recorder.topics.report_status, str(report_id), None)
