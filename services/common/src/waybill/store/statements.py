"""Every statement that Waybill sends, each with a sentence that says what it is for.

They run in the transaction of the connection that they are given; none of them commits. Times are the
database's own: there is one clock for leases, however wrong a worker's may be.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Update,
    and_,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert

from waybill.domain import (
    TRANSITIONS,
    Carrier,
    Failure,
    Fence,
    LeasePolicy,
    NewReport,
    Progress,
    Report,
    Status,
    StoredArtefact,
)
from waybill.store.tables import dead_letters, outbox, report_events, reports

# --- reports: reading ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class ReportFilter:
    """Which reports to list: all that fit, newest first, older than `before` where it is given."""

    status: Status | None = None
    kind: str | None = None
    before: UUID | None = None
    limit: int = 50


def get_report(connection: Connection, report_id: UUID) -> Report | None:
    """One report as it is now."""
    row = connection.execute(select(reports).where(reports.c.id == report_id)).one_or_none()
    return _report(row) if row else None


def get_report_by_source(connection: Connection, source: str) -> Report | None:
    """The report that a foreign message has asked for already."""
    row = connection.execute(select(reports).where(reports.c.source == source)).one_or_none()
    return _report(row) if row else None


def list_reports(connection: Connection, wanted: ReportFilter) -> list[Report]:
    """A page of reports. Ids are UUIDv7, so their order is the order of the requests."""
    statement = select(reports).order_by(reports.c.id.desc()).limit(wanted.limit)
    if wanted.status:
        statement = statement.where(reports.c.status == wanted.status)
    if wanted.kind:
        statement = statement.where(reports.c.kind == wanted.kind)
    if wanted.before:
        statement = statement.where(reports.c.id < wanted.before)
    return [_report(row) for row in connection.execute(statement)]


# --- reports: changes, each of which raises the version by one ----------------------------------------


def insert_report(connection: Connection, new: NewReport) -> Report | None:
    """A requested report. None where its `source` has asked before."""
    statement = (
        postgresql_insert(reports)
        .values(
            id=new.id,
            kind=new.kind,
            parameters=new.parameters,
            traceparent=new.carrier and new.carrier.traceparent,
            tracestate=new.carrier and new.carrier.tracestate,
            source=new.source,
        )
        .on_conflict_do_nothing(index_elements=[reports.c.source])
        .returning(*reports.c)
    )
    row = connection.execute(statement).one_or_none()
    return _report(row) if row else None


def claim_report(connection: Connection, report_id: UUID, owner: str, lease: LeasePolicy) -> Report | None:
    """A new attempt for `owner`. None where the report does not wait for one: somebody was quicker."""
    statement = (
        _change(Status.PROCESSING, reports.c.id == report_id)
        .where(reports.c.status == Status.INIT)
        .values(
            attempt=reports.c.attempt + 1,
            lease_owner=owner,
            lease_expires_at=_from_now(lease.time_to_live),
            started_at=func.coalesce(reports.c.started_at, func.clock_timestamp()),
            progress=None,
            failure=None,
        )
    )
    return _changed(connection, statement)


def renew_lease(connection: Connection, fence: Fence, lease: LeasePolicy) -> bool:
    """The heartbeat: not a change, so the version stays. False where the attempt has lost its lease."""
    statement = update(reports).where(_held(fence)).values(lease_expires_at=_from_now(lease.time_to_live))
    return connection.execute(statement).rowcount == 1


def change_progress(connection: Connection, fence: Fence, progress: Progress) -> Report | None:
    """The progress of an attempt. None where it has lost its lease."""
    return _changed(connection, _change(Status.PROCESSING, _held(fence)).values(progress=asdict(progress)))


def finish_report(
    connection: Connection,
    fence: Fence,
    status: Status,
    failure: Failure | None,
    artefact: StoredArtefact | None,
) -> Report | None:
    """The end of a report by the attempt that holds its lease; it points to the artefact in the same
    statement. None where the lease is lost."""
    statement = _change(status, _held(fence)).values(
        failure=asdict(failure) if failure else None,
        artefact=asdict(artefact) if artefact else None,
        finished_at=func.clock_timestamp(),
        **_NO_LEASE,
    )
    return _changed(connection, statement)


def hand_back_report(connection: Connection, fence: Fence) -> Report | None:
    """An interrupted attempt gives its report back to wait for another. None where the lease is lost."""
    statement = _change(Status.INIT, _held(fence)).values(
        interruptions=reports.c.interruptions + 1, progress=None, **_NO_LEASE
    )
    return _changed(connection, statement)


_NO_LEASE: dict[str, Any] = {"lease_owner": None, "lease_expires_at": None}


def _change(to: Status, where: ColumnElement[bool]) -> Update:
    """Changes the status to `to`, from a status from which that is legal."""
    legal = [status for status, after in TRANSITIONS.items() if to in after or status is to]
    return (
        update(reports)
        .where(where, reports.c.status.in_(legal))
        .values(status=to, version=reports.c.version + 1, updated_at=func.clock_timestamp())
        .returning(*reports.c)
    )


def _held(fence: Fence) -> ColumnElement[bool]:
    """The fence: this attempt, by this owner, within its lease."""
    return and_(
        reports.c.id == fence.report_id,
        reports.c.status == Status.PROCESSING,
        reports.c.attempt == fence.attempt,
        reports.c.lease_owner == fence.owner,
        reports.c.lease_expires_at > func.clock_timestamp(),
    )


def _from_now(duration: timedelta) -> ColumnElement[Any]:
    return func.clock_timestamp() + literal(duration)


def _changed(connection: Connection, statement: Update) -> Report | None:
    row = connection.execute(statement).one_or_none()
    return _report(row) if row else None


def _report(row: Row[Any]) -> Report:
    return Report(
        id=row.id,
        kind=row.kind,
        parameters=row.parameters,
        status=Status(row.status),
        version=row.version,
        attempt=row.attempt,
        progress=Progress(**row.progress) if row.progress else None,
        failure=Failure(**row.failure) if row.failure else None,
        artefact=StoredArtefact(**row.artefact) if row.artefact else None,
        carrier=Carrier(row.traceparent, row.tracestate) if row.traceparent else None,
        created_at=row.created_at,
        updated_at=row.updated_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


# --- report_events ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StoredEvent:
    """One change of a report, as it was published: `data` is the status event's JSON."""

    version: int
    type: str
    data: dict[str, Any]


def insert_event(connection: Connection, report: Report, event_type: str, data: dict[str, Any]) -> None:
    """Keeps the event of the change that has led to `report`."""
    connection.execute(
        insert(report_events).values(
            report_id=report.id, version=report.version, type=event_type, data=data, at=report.updated_at
        )
    )


def events_after(connection: Connection, report_id: UUID, version: int) -> list[StoredEvent]:
    """What a client that has seen `version` has missed, in order."""
    statement = (
        select(report_events.c.version, report_events.c.type, report_events.c.data)
        .where(report_events.c.report_id == report_id, report_events.c.version > version)
        .order_by(report_events.c.version)
    )
    return [StoredEvent(*row) for row in connection.execute(statement)]


# --- outbox -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OutboxMessage:
    """A message that waits to be published. `traced`: publishing it is a span, child of `carrier`."""

    topic: str
    key: str
    value: dict[str, Any]
    carrier: Carrier | None = None
    traced: bool = False
    id: int | None = None


def insert_messages(connection: Connection, messages: Sequence[OutboxMessage]) -> None:
    """Announces a change, in the transaction of the change."""
    connection.execute(
        insert(outbox),
        [
            {
                "topic": message.topic,
                "key": message.key,
                "value": message.value,
                "traceparent": message.carrier and message.carrier.traceparent,
                "tracestate": message.carrier and message.carrier.tracestate,
                "traced": message.traced,
            }
            for message in messages
        ],
    )


def lock_messages_of(connection: Connection, keys: Sequence[str]) -> list[OutboxMessage]:
    """Every waiting message of `keys`, in order, for this transaction alone.

    It waits for whoever publishes them now and then no longer sees what they have deleted; so no message
    overtakes an earlier one of its key, whichever process wrote it. Every caller locks in the order of the
    ids, so none can deadlock.
    """
    return _locked(connection, outbox.c.key.in_(keys))


def lock_old_messages(connection: Connection, age: timedelta, limit: int) -> list[OutboxMessage]:
    """The oldest messages that have waited for `age`: a process died before it published them.

    Earlier messages of the same keys come too, since they are older still.
    """
    return _locked(connection, outbox.c.created_at < func.clock_timestamp() - literal(age), limit)


def delete_messages(connection: Connection, ids: Sequence[int]) -> int:
    """Forgets messages that the broker has acknowledged; how many were still there."""
    return connection.execute(delete(outbox).where(outbox.c.id.in_(ids))).rowcount


def _locked(
    connection: Connection, where: ColumnElement[bool], limit: int | None = None
) -> list[OutboxMessage]:
    statement = select(outbox).where(where).order_by(outbox.c.id).limit(limit).with_for_update()
    return [
        OutboxMessage(
            topic=row.topic,
            key=row.key,
            value=row.value,
            carrier=Carrier(row.traceparent, row.tracestate) if row.traceparent else None,
            traced=row.traced,
            id=row.id,
        )
        for row in connection.execute(statement)
    ]


# --- dead letters -------------------------------------------------------------------------------------


def insert_dead_letter(connection: Connection, letter: dict[str, Any]) -> bool:
    """Keeps a message that could not be read. False where the same message is kept already."""
    statement = (
        postgresql_insert(dead_letters)
        .values(**letter)
        .on_conflict_do_nothing(index_elements=[dead_letters.c.source])
    )
    return connection.execute(statement).rowcount == 1
