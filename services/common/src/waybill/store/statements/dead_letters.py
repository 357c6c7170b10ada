"""Statements on `dead_letters`."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from waybill.domain import Carrier
from waybill.store.statements._rows import ago, carrier_of
from waybill.store.tables import dead_letters


@dataclass(frozen=True)
class StoredDeadLetter:
    """What could not be done: a message as it came, or a report that used up its attempts."""

    id: UUID
    reason: str
    detail: str
    report_id: UUID | None
    source: str
    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    attempts: int | None
    stack: str | None
    carrier: Carrier | None
    created_at: datetime
    redriven_at: datetime | None


@dataclass(frozen=True)
class DeadLetterFilter:
    """Which dead letters: newest first, and, unless `redriven`, only those that still wait. `reports_first`:
    before those of messages, of which hardly any can be redriven."""

    reason: str | None = None
    redriven: bool = False
    before: UUID | None = None
    limit: int = 50
    reports_first: bool = False


def put(connection: Connection, letter: dict[str, Any]) -> bool:
    """Keeps a dead letter. False where the same message is kept already."""
    statement = (
        insert(dead_letters)
        .values(**letter)
        .on_conflict_do_nothing(index_elements=[dead_letters.c.source])
        .returning(dead_letters.c.id)
    )
    return connection.execute(statement).one_or_none() is not None


def page(connection: Connection, wanted: DeadLetterFilter) -> list[StoredDeadLetter]:
    """A page of dead letters."""
    order = [dead_letters.c.report_id.is_(None)] if wanted.reports_first else []
    statement = select(dead_letters).order_by(*order, dead_letters.c.id.desc()).limit(wanted.limit)
    if wanted.reason is not None:
        statement = statement.where(dead_letters.c.reason == wanted.reason)
    if not wanted.redriven:
        statement = statement.where(dead_letters.c.redriven_at.is_(None))
    if wanted.before:
        statement = statement.where(dead_letters.c.id < wanted.before)
    return [
        StoredDeadLetter(
            id=row.id,
            reason=row.reason,
            detail=row.detail,
            report_id=row.report_id,
            source=row.source,
            topic=row.topic,
            partition=row.partition,
            offset=row.offset,
            key=row.key,
            value=row.value,
            attempts=row.attempts,
            stack=row.stack,
            carrier=carrier_of(row),
            created_at=row.created_at,
            redriven_at=row.redriven_at,
        )
        for row in connection.execute(statement)
    ]


def mark_redriven(connection: Connection, report_id: UUID, letter_id: UUID | None) -> None:
    """The report of these letters has restarted. A message's letter is known only by its own id."""
    connection.execute(
        update(dead_letters)
        .where(
            or_(dead_letters.c.report_id == report_id, dead_letters.c.id == letter_id),
            dead_letters.c.redriven_at.is_(None),
        )
        .values(redriven_at=func.clock_timestamp())
    )


def remove_old(connection: Connection, age: timedelta, limit: int) -> int:
    """Forgets letters older than `age`; how many."""
    old = (
        select(dead_letters.c.id)
        .where(dead_letters.c.created_at < ago(age))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return connection.execute(delete(dead_letters).where(dead_letters.c.id.in_(old))).rowcount
