"""Statements on `operations`, and on the reports that they are about."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from waybill.domain import (
    MAX_REASONS,
    Operation,
    OperationAction,
    OperationState,
    Owner,
    Reason,
    Report,
    Scope,
    Status,
    Untouched,
)
from waybill.store.statements._rows import ago, in_scope, report_of
from waybill.store.statements._wanted import ParameterValue, ReportFilter
from waybill.store.tables import operations, reports

_REMOVED: Final = 100


@dataclass(frozen=True)
class NewOperation:
    """As it is asked for. The reports are those of `wanted`, or the `ids`; `matched` of them were counted."""

    id: UUID
    action: OperationAction
    owner: Owner
    credential: str
    scope: Scope
    wanted: ReportFilter | None
    ids: Sequence[UUID]
    matched: int
    matched_more: bool


@dataclass(frozen=True)
class StoredOperation:
    """Where an operation is: `pending` are found and still to be done; `wanted` finds the others, behind its
    place, unless `all_found`."""

    operation: Operation
    wanted: ReportFilter | None
    pending: Sequence[UUID]
    all_found: bool


@dataclass(frozen=True)
class Target:
    """A report that an operation is about, as it was when it was found."""

    id: UUID
    owner: Owner
    status: Status
    attempt: int


def now(connection: Connection) -> datetime:
    """The database's time."""
    found: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return found


def put(connection: Connection, new: NewOperation) -> Operation:
    values = {
        "id": new.id,
        "action": new.action,
        "tenant": new.owner.tenant,
        "owner": new.owner.name,
        "credential": new.credential,
        "scope_tenant": new.scope.tenant,
        "scope_owner": new.scope.owner,
        "wanted": _as_json(new.wanted) if new.wanted else None,
        "pending": list(new.ids),
        "all_found": new.wanted is None,
        "matched": new.matched,
        "matched_more": new.matched_more,
    }
    return _operation(connection.execute(insert(operations).values(values).returning(*operations.c)).one())


def get(connection: Connection, operation_id: UUID) -> Operation | None:
    row = connection.execute(select(operations).where(operations.c.id == operation_id)).one_or_none()
    return _operation(row) if row else None


def running(connection: Connection, owner: Owner) -> int:
    """How many of the owner's run."""
    whose = in_scope(operations, Scope(owner.tenant, owner.name))
    statement = select(func.count()).where(operations.c.state == OperationState.RUNNING, *whose)
    return connection.scalar(statement) or 0


def next_one(connection: Connection) -> StoredOperation | None:
    """Of those that run, the one that has waited for longest since its last page."""
    statement = select(operations).where(operations.c.state == OperationState.RUNNING)
    row = connection.execute(statement.order_by(operations.c.updated_at).limit(1)).one_or_none()
    return _stored(row) if row else None


def lock(connection: Connection, seen: StoredOperation) -> bool:
    """For this transaction alone; False where another has gone on with it since it was `seen`."""
    statement = (
        select(operations.c.id)
        .where(
            operations.c.id == seen.operation.id,
            operations.c.state == OperationState.RUNNING,
            operations.c.updated_at == seen.operation.updated_at,
        )
        .with_for_update(skip_locked=True)
    )
    return connection.scalar(statement) is not None


def advance(connection: Connection, after: StoredOperation) -> None:
    """How far it is. It is done where nothing is pending, and nothing is to be found any more."""
    one = after.operation
    ended = after.all_found and not after.pending
    place = after.wanted.place if after.wanted else None
    values = {
        "pending": list(after.pending),
        "all_found": after.all_found,
        "place_at": place[0] if place else None,
        "place_id": place[1] if place else None,
        "done": one.done,
        "skipped": one.skipped,
        "failed": one.failed,
        "matched": one.handled if ended else max(one.matched, one.handled + len(after.pending)),
        "matched_more": one.matched_more and not ended,
        "reasons": [
            {"report_id": str(reason.report_id), "outcome": reason.outcome, "reason": reason.reason}
            for reason in one.reasons[:MAX_REASONS]
        ],
    }
    _change(connection, one.id, OperationState.DONE if ended else OperationState.RUNNING, values)


def fail(connection: Connection, operation_id: UUID, error: str) -> None:
    """It goes on no more."""
    _change(connection, operation_id, OperationState.FAILED, {"error": error})


def remove_old(connection: Connection, age: timedelta) -> None:
    """Forgets some of those that ended longer ago than that."""
    old = select(operations.c.id).where(operations.c.finished_at < ago(age)).limit(_REMOVED)
    connection.execute(delete(operations).where(operations.c.id.in_(old)))


def targets(connection: Connection, ids: Collection[UUID], scope: Scope) -> dict[UUID, Target]:
    """Those of the reports that there are in the scope."""
    columns = reports.c
    statement = select(columns.id, columns.tenant, columns.owner, columns.status, columns.attempt).where(
        columns.id.in_(ids), *in_scope(reports, scope)
    )
    return {
        row.id: Target(row.id, Owner(row.tenant, row.owner), Status(row.status), row.attempt)
        for row in connection.execute(statement)
    }


def lock_free(connection: Connection, ids: Collection[UUID]) -> dict[UUID, Report]:
    """Those of the reports that no other transaction holds, for this one alone: it waits for none."""
    statement = select(reports).where(reports.c.id.in_(ids)).with_for_update(skip_locked=True)
    return {row.id: report_of(row) for row in connection.execute(statement)}


# --- parts --------------------------------------------------------------------------------------------


def _change(
    connection: Connection, operation_id: UUID, state: OperationState, values: dict[str, Any]
) -> None:
    times = {"updated_at": func.clock_timestamp()}
    if state is not OperationState.RUNNING:
        times["finished_at"] = func.clock_timestamp()
    is_meant = operations.c.id == operation_id
    connection.execute(update(operations).where(is_meant).values(state=state, **values, **times))


def _as_json(wanted: ReportFilter) -> dict[str, Any]:
    """Without whose they are and where the search is, which have columns."""
    return {
        "statuses": list(wanted.statuses),
        "kinds": list(wanted.kinds),
        "since": wanted.since.isoformat() if wanted.since else None,
        "until": wanted.until.isoformat() if wanted.until else None,
        "owner": wanted.owner,
        "tag": wanted.tag,
        "error": wanted.error,
        "parameters": {name: [value.text, value.json] for name, value in wanted.parameters.items()},
    }


def _wanted(row: Row[Any]) -> ReportFilter | None:
    stored = row.wanted
    if stored is None:
        return None
    return ReportFilter(
        statuses=[Status(status) for status in stored["statuses"]],
        kinds=stored["kinds"],
        place=(row.place_at, row.place_id) if row.place_id else None,
        scope=Scope(row.scope_tenant, row.scope_owner),
        since=datetime.fromisoformat(stored["since"]) if stored["since"] else None,
        until=datetime.fromisoformat(stored["until"]) if stored["until"] else None,
        owner=stored["owner"],
        tag=stored["tag"],
        error=stored["error"],
        parameters={name: ParameterValue(*value) for name, value in stored["parameters"].items()},
    )


def _operation(row: Row[Any]) -> Operation:
    return Operation(
        id=row.id,
        action=OperationAction(row.action),
        owner=Owner(row.tenant, row.owner),
        credential=row.credential,
        scope=Scope(row.scope_tenant, row.scope_owner),
        state=OperationState(row.state),
        matched=row.matched,
        matched_more=row.matched_more,
        done=row.done,
        skipped=row.skipped,
        failed=row.failed,
        reasons=[
            Reason(UUID(one["report_id"]), Untouched(one["outcome"]), one["reason"]) for one in row.reasons
        ],
        error=row.error,
        created_at=row.created_at,
        updated_at=row.updated_at,
        finished_at=row.finished_at,
    )


def _stored(row: Row[Any]) -> StoredOperation:
    return StoredOperation(_operation(row), _wanted(row), row.pending, row.all_found)


def found(seen: StoredOperation, place: tuple[datetime, UUID] | None, more: bool) -> StoredOperation:
    """As it is after its filter has been read up to `place`."""
    wanted = seen.wanted and replace(seen.wanted, place=place or seen.wanted.place)
    return replace(seen, wanted=wanted, all_found=not more)
