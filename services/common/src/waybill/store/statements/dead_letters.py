"""Statements on `dead_letters`."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    Row,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from waybill.domain import EVERYTHING, Carrier, Scope
from waybill.store.statements._rows import ago, behind, carrier_of, in_scope, newest_first
from waybill.store.tables import dead_letters, reports


@dataclass(frozen=True)
class StoredDeadLetter:
    """What could not be done: a message that could not be read, or a report that used up its attempts. Of a
    message, size and hash are those of the whole value, and `value_kept` what is stored of it, in bytes."""

    id: UUID
    reason: str
    detail: str
    report_id: UUID | None
    tenant: str | None
    owner: str | None
    source: str
    topic: str
    partition: int
    offset: int
    value_size: int | None
    value_sha256: str | None
    value_kept: int | None
    attempts: int | None
    stack: str | None
    carrier: Carrier | None
    created_at: datetime
    redriven_at: datetime | None


@dataclass(frozen=True)
class StoredMessage:
    """What is left of a message: perhaps only the beginning of its value, or nothing once it was trimmed."""

    key: bytes | None
    value: bytes | None
    value_size: int | None
    value_sha256: str | None
    trimmed_at: datetime | None


@dataclass(frozen=True)
class MessageBeginning:
    """The beginning of a message's key and value, in bytes; None where it has none, or none is left."""

    key: bytes | None
    value: bytes | None


@dataclass(frozen=True)
class Trimmed:
    """How many letters lost their bytes, and how many bytes those were."""

    letters: int
    bytes: int


@dataclass(frozen=True)
class DeadLetterFilter:
    """Which dead letters: newest first, and, unless `redriven`, only those that still wait. `ids`: of these
    alone. `reports_first`:
    before those of messages, of which hardly any can be redriven. `scope`: whose reports they are of; those
    of messages have no owner, and are in the scope of everything alone."""

    reason: str | None = None
    redriven: bool = False
    before: UUID | None = None
    limit: int = 50
    reports_first: bool = False
    scope: Scope = EVERYTHING
    ids: Sequence[UUID] | None = None


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
    """A page of dead letters, without the messages, each of which may be as large as Kafka takes."""
    order = [dead_letters.c.report_id.is_(None)] if wanted.reports_first else []
    statement = select(*_LISTED).order_by(*order, *newest_first(dead_letters)).limit(wanted.limit)
    if wanted.scope != EVERYTHING:
        statement = statement.where(_of(wanted.scope))
    if wanted.reason is not None:
        statement = statement.where(dead_letters.c.reason == wanted.reason)
    if wanted.ids is not None:
        statement = statement.where(dead_letters.c.id.in_(wanted.ids))
    if not wanted.redriven:
        statement = statement.where(dead_letters.c.redriven_at.is_(None))
    if wanted.before:
        statement = statement.where(behind(dead_letters, wanted.before, wanted.scope))
    return [_letter(row) for row in connection.execute(statement)]


def message(connection: Connection, letter_id: UUID) -> StoredMessage | None:
    """What is left of the message of one letter. None where the letter is gone."""
    columns = [dead_letters.c[field.name] for field in fields(StoredMessage)]
    row = connection.execute(select(*columns).where(dead_letters.c.id == letter_id)).one_or_none()
    return StoredMessage(*row) if row else None


def beginning(connection: Connection, letter_id: UUID, size: int) -> MessageBeginning | None:
    """At most `size` bytes of the key and of the value of one letter's message. None where the letter is
    gone."""
    columns = [
        func.substring(dead_letters.c[name], 1, size, type_=LargeBinary).label(name)
        for name in ("key", "value")
    ]
    row = connection.execute(select(*columns).where(dead_letters.c.id == letter_id)).one_or_none()
    return MessageBeginning(row.key, row.value) if row else None


def reasons(connection: Connection, scope: Scope, limit: int) -> dict[str, int]:
    """How many of the newest `limit` letters that wait have each reason; the most frequent first."""
    waiting = select(dead_letters.c.reason).where(dead_letters.c.redriven_at.is_(None))
    if scope != EVERYTHING:
        waiting = waiting.where(_of(scope))
    newest = waiting.order_by(*newest_first(dead_letters)).limit(limit).subquery()
    count = func.count().label("number")
    statement = (
        select(newest.c.reason, count).group_by(newest.c.reason).order_by(count.desc(), newest.c.reason)
    )
    return {row.reason: row.number for row in connection.execute(statement)}


def trim(connection: Connection, limit: int) -> Trimmed:
    """Removes the bytes of the oldest messages until at most `limit` are left in all. Reason, size and hash
    stay. Rows that another transaction holds are left to the next time."""
    kept = (
        select(
            dead_letters.c.id, func.sum(_BYTES).over(order_by=newest_first(dead_letters)).label("up_to_it")
        )
        .where(_HAS_BYTES)
        .subquery()
    )
    surplus = (
        select(dead_letters.c.id, _BYTES.label("bytes"))
        .where(_HAS_BYTES, dead_letters.c.id.in_(select(kept.c.id).where(kept.c.up_to_it > limit)))
        .with_for_update(skip_locked=True)
        .cte("surplus")
    )
    statement = (
        update(dead_letters)
        .where(dead_letters.c.id == surplus.c.id)
        .values(
            key=None,
            value=None,
            headers=[],
            value_size=func.coalesce(dead_letters.c.value_size, func.octet_length(dead_letters.c.value)),
            value_sha256=func.coalesce(
                dead_letters.c.value_sha256, func.encode(func.sha256(dead_letters.c.value), "hex")
            ),
            trimmed_at=func.clock_timestamp(),
        )
        .returning(surplus.c.bytes)
    )
    sizes = list(connection.execute(statement).scalars())
    return Trimmed(len(sizes), sum(sizes))


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


# --- parts --------------------------------------------------------------------------------------------

_LISTED = (
    *(column for column in dead_letters.c if column.name not in ("key", "value", "headers")),
    func.octet_length(dead_letters.c.value).label("value_kept"),
)
_BYTES = (
    func.coalesce(func.octet_length(dead_letters.c.key), 0)
    + func.coalesce(func.octet_length(dead_letters.c.value), 0)
    + func.pg_column_size(dead_letters.c.headers)
)
_HAS_BYTES = or_(
    dead_letters.c.key.is_not(None), dead_letters.c.value.is_not(None), dead_letters.c.headers != []
)


def _of(scope: Scope) -> ColumnElement[bool]:
    """Of the scope's reports; those too that processes of the version before keep, without an owner."""
    its_report = and_(reports.c.id == dead_letters.c.report_id, *in_scope(reports, scope))
    return or_(
        and_(*in_scope(dead_letters, scope)),
        and_(dead_letters.c.tenant.is_(None), exists().where(its_report)),
    )


_PLAIN = tuple(field.name for field in fields(StoredDeadLetter) if field.name != "carrier")


def _letter(row: Row[Any]) -> StoredDeadLetter:
    columns = row._mapping
    return StoredDeadLetter(carrier=carrier_of(row), **{name: columns[name] for name in _PLAIN})
