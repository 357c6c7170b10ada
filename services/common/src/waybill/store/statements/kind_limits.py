"""Statements on `kind_limits`, and on the reports that wait for their kind."""

from collections.abc import Collection, Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from waybill.domain import KindLimit
from waybill.store.direct import AnyConnection, rows
from waybill.store.statements._waiting import (
    IS_OPEN,
    KINDS_THAT_WAIT,
    WAITING,
    paused,
)
from waybill.store.tables import FOR_KIND_UNTIL, kind_limits

# While reports wait for a kind, its row says that those of it that get a turn are found there.
_KEEP: Final = f"""
WITH RECURSIVE {KINDS_THAT_WAIT}
INSERT INTO kind_limits (kind)
SELECT kind FROM kinds_that_wait
WHERE (SELECT true FROM kind_limits WHERE kind_limits.kind = kinds_that_wait.kind) IS NULL
ON CONFLICT DO NOTHING
RETURNING kind
"""  # noqa: S608 - ours
_REMOVE: Final = f"""
WITH RECURSIVE {KINDS_THAT_WAIT}
DELETE FROM kind_limits WHERE kind > '' AND {IS_OPEN}
    AND (SELECT true FROM kinds_that_wait WHERE kinds_that_wait.kind = kind_limits.kind) IS NULL
RETURNING kind
"""  # noqa: S608 - ours

# Not by `= 'room'`, for which the planner would read the index of all that waits for room.
_PARK: Final = f"""
WITH waiting AS MATERIALIZED (
    SELECT id FROM kind_limits CROSS JOIN LATERAL (
        SELECT id FROM reports
        WHERE reports.kind = kind_limits.kind AND {WAITING} NOT IN ('claim', 'retry')
        ORDER BY reports.created_at LIMIT %(limit)s
        FOR UPDATE SKIP LOCKED
    ) AS one
    WHERE kind_limits.kind > '' AND NOT ({IS_OPEN})
        AND (%(kinds)s::text[] IS NULL OR kind_limits.kind = ANY (%(kinds)s))
    LIMIT %(limit)s
)
UPDATE reports SET enqueue_at = {FOR_KIND_UNTIL}, not_before = {FOR_KIND_UNTIL}
WHERE reports.id = ANY (ARRAY(SELECT id FROM waiting))
RETURNING id
"""  # noqa: S608 - ours


_LET_WAIT: Final = f"""
UPDATE reports SET
    enqueue_at = CASE WHEN {paused("reports.kind")} THEN {FOR_KIND_UNTIL} ELSE created_at END,
    not_before = CASE WHEN {paused("reports.kind")} THEN {FOR_KIND_UNTIL} END
WHERE id = %(report_id)s AND {WAITING} = 'claim'
RETURNING id
"""  # noqa: S608 - ours


def all_of(connection: Connection) -> dict[str, KindLimit]:
    """Of each kind that has one or is paused, by its name."""
    limited, paused_at = kind_limits.c.max_running.is_not(None), kind_limits.c.paused_at.is_not(None)
    statement = select(kind_limits).where(or_(limited, paused_at)).order_by(kind_limits.c.kind)
    return {row.kind: _limit(row) for row in connection.execute(statement)}


def one_of(connection: Connection, kind: str) -> KindLimit:
    row = connection.execute(select(kind_limits).where(kind_limits.c.kind == kind)).one_or_none()
    return _limit(row) if row else KindLimit(kind)


def pause(connection: Connection, kind: str, by: str, reason: str | None) -> KindLimit:
    """Once it is committed no report of the kind starts, but for claims that are under way then. One that was
    paused stays so since then, for this reason."""
    now = func.clock_timestamp()
    since = func.coalesce(kind_limits.c.paused_at, now)
    return _put(connection, kind, {"paused_at": since}, paused_at=now, paused_by=by, reason=reason)


def resume(connection: Connection, kind: str) -> KindLimit:
    """Reports of the kind start again."""
    return _put(connection, kind, {}, paused_at=None, paused_by=None, reason=None)


def limit(connection: Connection, kind: str, max_running: int | None) -> KindLimit:
    """How many of the kind may be under way at once; None for any number."""
    return _put(connection, kind, {}, max_running=max_running)


def keep(connection: AnyConnection) -> None:
    """A kind that is neither limited nor paused has a row as long as reports wait for it, and no longer."""
    rows(connection, _KEEP, {})
    rows(connection, _REMOVE, {})


def park(connection: AnyConnection, limit: int, kinds: Collection[str] | None = None) -> int:
    """Reports that wait for room although their kind is closed wait for their kind: `limit` of them at most,
    and how many; of `kinds`, or of any. They came before it was closed, and would be met one by one. Of such
    kinds, all that waits is read: it is for when one was met, and once in a transaction."""
    wanted = None if kinds is None else list(kinds)
    return len(rows(connection, _PARK, {"limit": limit, "kinds": wanted}))


def let_wait(connection: AnyConnection, report_id: UUID) -> bool:
    """A report whose command was read, but whose claim was refused, waits for its kind where that is paused,
    and else for room: for another command. False where it has no command. Not a change of it."""
    return bool(rows(connection, _LET_WAIT, {"report_id": report_id}))


# --- parts --------------------------------------------------------------------------------------------


def _put(connection: Connection, kind: str, instead: Mapping[str, Any], **values: Any) -> KindLimit:
    """`instead`: values for a row that is there."""
    statement = insert(kind_limits).values(kind=kind, **values)
    changes = {**values, **instead}
    statement = statement.on_conflict_do_update(index_elements=[kind_limits.c.kind], set_=changes)
    return _limit(connection.execute(statement.returning(*kind_limits.c)).one())


def _limit(row: Row[Any]) -> KindLimit:
    return KindLimit(row.kind, row.max_running, row.paused_at, row.paused_by, row.reason)
