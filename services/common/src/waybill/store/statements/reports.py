"""Statements on `reports`. Each change raises the version by one and returns the row after it."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Update,
    and_,
    case,
    delete,
    exists,
    func,
    literal_column,
    null,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from waybill.domain import (
    TERMINAL,
    TRANSITIONS,
    Failure,
    NewReport,
    Report,
    Status,
)
from waybill.store.statements import kept_bytes
from waybill.store.statements._rows import (
    ago,
    carrier_columns,
    from_now,
    report_of,
)
from waybill.store.statements._waiting import LIMITED, WAITING, closed
from waybill.store.tables import FOR_KIND_UNTIL, publications, reports

# --- reading ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OldReport:
    """One that may be removed."""

    id: UUID
    tenant: str
    attempt: int
    finished_at: datetime


def get(connection: Connection, report_id: UUID) -> Report | None:
    """One report as it is now."""
    row = connection.execute(select(reports).where(reports.c.id == report_id)).one_or_none()
    return report_of(row) if row else None


def get_with_age(connection: Connection, report_id: UUID) -> tuple[Report, timedelta] | None:
    """One report as it is now, and the time since its last change, by the database's clock."""
    age = (func.clock_timestamp() - reports.c.updated_at).label("age")
    row = connection.execute(select(reports, age).where(reports.c.id == report_id)).one_or_none()
    return (report_of(row), row.age) if row else None


def lease_left(connection: Connection, report_id: UUID, attempt: int) -> timedelta | None:
    """How long the lease of this attempt lasts, by the database's clock: less than nothing of one that ran
    out. None where the attempt does not run any more."""
    left = (reports.c.lease_expires_at - func.clock_timestamp()).label("left")
    where = and_(reports.c.id == report_id, reports.c.attempt == attempt)
    return connection.scalar(select(left).where(where))


def get_by_source(connection: Connection, source: str) -> Report | None:
    """The report that an external message has requested already."""
    row = connection.execute(select(reports).where(reports.c.source == source)).one_or_none()
    return report_of(row) if row else None


def get_by_key(connection: Connection, key: str) -> Report | None:
    """The report that a message's key names, if it names one."""
    try:
        return get(connection, UUID(key))
    except ValueError:
        return None


def lock(connection: Connection, report_id: UUID) -> Report | None:
    """As `get`, but after the transaction that changes the report now, and before all others."""
    statement = select(reports).where(reports.c.id == report_id).with_for_update()
    row = connection.execute(statement).one_or_none()
    return report_of(row) if row else None


def lock_by_key(connection: Connection, key: str) -> Report | None:
    """As `get_by_key`, but after the transaction that changes the report now, and before all others."""
    found = get_by_key(connection, key)
    return lock(connection, found.id) if found else None


def cancelled_attempts(connection: Connection, owner: str) -> list[tuple[UUID, int]]:
    """Of the reports that `owner` runs, those that are to be cancelled, with their attempts."""
    statement = select(reports.c.id, reports.c.attempt).where(
        reports.c.lease_owner == owner, reports.c.cancel_requested_at.is_not(None)
    )
    return [(row[0], row[1]) for row in connection.execute(statement)]


# --- requested by a client ----------------------------------------------------------------------------


def insert_external(connection: Connection, new: NewReport, requeue_after: timedelta) -> Report | None:
    """A report that a message without a row has requested, and which has this as its command; but where turns
    are taken, it waits for room. None where its `source` has done so before."""
    statement = (
        insert(reports)
        .values(
            id=new.id,
            kind=new.kind,
            parameters=new.parameters,
            tenant=new.owner.tenant,
            owner=new.owner.name,
            priority=new.priority,
            source=new.source,
            timeout_seconds=new.timeout.total_seconds() if new.timeout else None,
            enqueue_at=case(
                (literal_column(LIMITED), func.statement_timestamp()), else_=from_now(requeue_after)
            ),
            **carrier_columns(new.carrier),
        )
        .on_conflict_do_nothing(index_elements=[reports.c.source])
        .returning(*reports.c)
    )
    row = connection.execute(statement).one_or_none()
    return report_of(row) if row else None


def cancel_waiting(connection: Connection, report_id: UUID) -> Report | None:
    """Ends a report that no worker has. None where one has it, or where it has ended."""
    statement = (
        _change(Status.CANCELLED, reports.c.id == report_id)
        .where(reports.c.status == Status.INIT)
        .values(finished_at=func.clock_timestamp(), not_before=None)
    )
    return _changed(connection, statement)


def request_cancel(connection: Connection, report_id: UUID) -> Report | None:
    """Asks the worker that has the report to cancel it. None where no worker has it or was asked already."""
    statement = (
        _change(Status.PROCESSING, reports.c.id == report_id)
        .where(reports.c.status == Status.PROCESSING, reports.c.cancel_requested_at.is_(None))
        .values(cancel_requested_at=func.clock_timestamp())
    )
    return _changed(connection, statement)


def redrive(connection: Connection, report_id: UUID) -> Report | None:
    """A report that failed or was cancelled restarts, in its old trace, and waits for room, or for its kind.
    None where it did neither."""
    is_closed: ColumnElement[bool] = literal_column(closed("reports.kind"))
    for_kind_until: ColumnElement[datetime] = literal_column(FOR_KIND_UNTIL)
    statement = (
        _change(Status.INIT, reports.c.id == report_id)
        .where(reports.c.status.in_([Status.FAIL, Status.CANCELLED]))
        .values(
            failures=0,
            losses=0,
            interruptions=0,
            not_before=case((is_closed, for_kind_until)),
            failure=None,
            progress=None,
            artefact=None,
            artefacts=None,
            finished_at=None,
            cancel_requested_at=None,
            enqueue_at=case((is_closed, for_kind_until), else_=reports.c.created_at),
        )
    )
    return _changed(connection, statement)


# --- by a worker --------------------------------------------------------------------------------------


def postpone(connection: Connection, report_id: UUID, delay: timedelta) -> None:
    """When a report that has a command gets another one; not a change of it."""
    waits = and_(reports.c.id == report_id, literal_column(f"{WAITING} = 'claim'"))
    connection.execute(update(reports).where(waits).values(enqueue_at=from_now(delay)))


# --- recovery and retention, by any process -----------------------------------------------------------


def any_expired(connection: Connection, grace: timedelta) -> bool:
    """Whether there may be reports for `lock_expired`."""
    return bool(connection.scalar(select(exists().where(_expired(grace)))))


def expired(connection: Connection, grace: timedelta, limit: int, but: Collection[UUID] = ()) -> list[UUID]:
    """Reports whose worker has let the lease run out for `grace`, other than `but`."""
    where = and_(_expired(grace), reports.c.id.not_in(but)) if but else _expired(grace)
    return list(connection.scalars(select(reports.c.id).where(where).limit(limit)))


def lock_expired(connection: Connection, grace: timedelta, report_ids: Sequence[UUID]) -> list[Report]:
    """Those of them that still are `expired`, for this transaction alone."""
    return _locked(connection, and_(_expired(grace), reports.c.id.in_(report_ids)), len(report_ids))


def take_back(
    connection: Connection, report: Report, status: Status, failure: Failure | None, requeue_after: timedelta
) -> Report:
    """Takes a locked report from the attempt that lost it: back to `init`, or to its end."""
    ended = status in TERMINAL
    statement = _change(status, reports.c.id == report.id).values(
        losses=reports.c.losses + 1,
        progress=None,
        failure=asdict(failure) if failure else null(),
        finished_at=func.clock_timestamp() if ended else None,
        enqueue_at=None if ended else from_now(requeue_after),
        **_NO_LEASE,
    )
    return report_of(connection.execute(statement).one())


def end_waiting(
    connection: Connection, report_id: UUID, status: Status, failure: Failure | None
) -> Report | None:
    """Ends a report whose command cannot be published. None where it does not wait for it."""
    statement = (
        _change(status, reports.c.id == report_id)
        .where(reports.c.status == Status.INIT)
        .values(failure=asdict(failure) if failure else None, finished_at=func.clock_timestamp())
    )
    return _changed(connection, statement)


def old(connection: Connection, age: timedelta, after: datetime | None, limit: int) -> list[OldReport]:
    """Reports that ended longer than `age` ago, and later than `after`: those that ended first."""
    ended = reports.c.finished_at
    statement = select(reports.c.id, reports.c.tenant, reports.c.attempt, ended).where(ended < ago(age))
    if after is not None:
        statement = statement.where(ended > after)
    return [OldReport(*row) for row in connection.execute(statement.order_by(ended).limit(limit))]


def lock_old(connection: Connection, age: timedelta, report_ids: Sequence[UUID]) -> list[UUID]:
    """Of these, those that are still old, for this transaction alone: one may have been redriven."""
    still = and_(reports.c.id.in_(report_ids), reports.c.finished_at < ago(age))
    return [report.id for report in _locked(connection, still, len(report_ids))]


def remove(connection: Connection, report_ids: Sequence[UUID]) -> None:
    """Forgets locked reports with their events and idempotency keys, and what they had to publish."""
    kept_bytes.subtract(connection, report_ids)
    connection.execute(delete(publications).where(publications.c.report_id.in_(report_ids)))
    connection.execute(delete(reports).where(reports.c.id.in_(report_ids)))


# --- parts --------------------------------------------------------------------------------------------

_NO_LEASE: dict[str, Any] = {"lease_owner": None, "lease_expires_at": None}


def _change(to: Status, *where: ColumnElement[bool]) -> Update:
    """Changes the status to `to`, from a status from which that is legal."""
    legal = [status for status, after in TRANSITIONS.items() if to in after or status is to]
    return (
        update(reports)
        .where(*where, reports.c.status.in_(legal))
        .values(status=to, version=reports.c.version + 1, updated_at=func.clock_timestamp())
        .returning(*reports.c)
    )


def _expired(grace: timedelta) -> ColumnElement[bool]:
    return and_(reports.c.status == Status.PROCESSING, reports.c.lease_expires_at < ago(grace))


def _changed(connection: Connection, statement: Update) -> Report | None:
    row = connection.execute(statement).one_or_none()
    return report_of(row) if row else None


def _locked(connection: Connection, where: ColumnElement[bool], limit: int) -> list[Report]:
    """Rows that no other transaction holds: processes share the work without waiting for each other."""
    statement = select(reports).where(where).limit(limit).with_for_update(skip_locked=True)
    return [report_of(row) for row in connection.execute(statement)]
