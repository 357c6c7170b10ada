"""Statements on `outbox`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, literal, select

from waybill.domain import Carrier
from waybill.store.statements._rows import carrier_of
from waybill.store.tables import outbox


@dataclass(frozen=True)
class OutboxMessage:
    """A message that waits to be published. `traced`: publishing it is a span, child of `carrier`.
    `value` None is a tombstone."""

    topic: str
    key: str
    value: dict[str, Any] | None
    carrier: Carrier | None = None
    traced: bool = False
    id: int | None = None


@dataclass(frozen=True)
class Backlog:
    """What waits to be published: how much, and for how long the oldest has."""

    messages: int
    age: timedelta


def lock_of_keys(connection: Connection, keys: Sequence[str]) -> list[OutboxMessage]:
    """Every waiting message of `keys`, in order, for this transaction alone.

    It waits for the relay that publishes them now and then no longer sees what that deleted; so no message
    overtakes an earlier one of its key, whichever process wrote it. Every caller locks in the order of the
    ids, so none can deadlock.
    """
    return _locked(connection, outbox.c.key.in_(keys))


def lock_old(connection: Connection, age: timedelta, limit: int) -> list[OutboxMessage]:
    """The oldest messages that have waited for `age`: a process died before it published them.

    Earlier messages of the same keys come too, since they are older still.
    """
    return _locked(connection, _older_than(age), limit)


def lock_any(connection: Connection, age: timedelta, limit: int) -> list[OutboxMessage]:
    """As `lock_old`, but all of some keys, whichever: for when the oldest cannot be published."""
    statement = select(outbox.c.key).where(_older_than(age)).order_by(func.random()).limit(limit)
    return lock_of_keys(connection, list(connection.execute(statement).scalars()))


def waiting(connection: Connection, keys: Sequence[str]) -> set[str]:
    """Those of `keys` that have a message here."""
    return set(connection.execute(select(outbox.c.key).where(outbox.c.key.in_(keys))).scalars())


def remove(connection: Connection, ids: Sequence[int]) -> int:
    """Forgets messages that the broker has acknowledged; how many were still there."""
    return connection.execute(delete(outbox).where(outbox.c.id.in_(ids))).rowcount


def backlog(connection: Connection) -> Backlog:
    """For the metrics."""
    row = connection.execute(
        select(func.count(), func.clock_timestamp() - func.min(outbox.c.created_at)).select_from(outbox)
    ).one()
    return Backlog(row[0], row[1] or timedelta(0))


def _older_than(age: timedelta) -> ColumnElement[bool]:
    """By one time for all rows: else an old message might be left out, and the one after it not."""
    return outbox.c.created_at < func.statement_timestamp() - literal(age)


def _locked(
    connection: Connection, where: ColumnElement[bool], limit: int | None = None
) -> list[OutboxMessage]:
    statement = select(outbox).where(where).order_by(outbox.c.id).limit(limit).with_for_update()
    return [
        OutboxMessage(row.topic, row.key, row.value, carrier_of(row), row.traced, row.id)
        for row in connection.execute(statement)
    ]
