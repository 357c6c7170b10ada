"""Statements on `outbox`: messages with a value of their own."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, delete, func, literal, select

from waybill.domain import Carrier
from waybill.store.direct import run_alone
from waybill.store.statements._rows import carrier_columns, carrier_of
from waybill.store.tables import outbox


@dataclass(frozen=True)
class OutboxMessage:
    """A message that waits to be published. `traced`: publishing it is a span, child of `carrier`.
    `value`: an object, or its JSON; None is a tombstone."""

    topic: str
    key: str
    value: dict[str, Any] | str | None
    carrier: Carrier | None = None
    traced: bool = False


@dataclass(frozen=True)
class Backlog:
    """What waits to be published: the number of rows, and for how long the oldest has waited."""

    messages: int
    age: timedelta


_PUT = """
INSERT INTO outbox (topic, key, value, traced, traceparent, tracestate)
SELECT topic, key, value, traced, traceparent, tracestate
FROM jsonb_to_recordset(%(messages)s::jsonb) AS message (
    place integer, topic text, key text, value jsonb, traced boolean, traceparent text, tracestate text
)
ORDER BY place
RETURNING id
"""

_BACKLOG = """
SELECT count(*), coalesce(clock_timestamp() - min(created_at), '0')
FROM (SELECT created_at FROM publications UNION ALL SELECT created_at FROM outbox) AS waiting
"""


_HAS_OLDER = """
SELECT EXISTS (SELECT FROM publications WHERE created_at < statement_timestamp() - %(age)s)
    OR EXISTS (SELECT FROM outbox WHERE created_at < statement_timestamp() - %(age)s)
"""


def put(connection: Connection, messages: Sequence[OutboxMessage]) -> list[int]:
    """Stores messages; their ids, in the same order."""
    if not messages:
        return []
    rows = [
        {
            "place": place,
            "topic": message.topic,
            "key": message.key,
            "value": message.value,
            "traced": message.traced,
            **carrier_columns(message.carrier),
        }
        for place, message in enumerate(messages)
    ]
    ids: Sequence[int] = connection.exec_driver_sql(_PUT, {"messages": json.dumps(rows)}).scalars().all()
    return sorted(ids)


def has_older(engine: Engine, age: timedelta) -> bool:
    """Whether anything has waited for `age`, here or in `publications`. Raises `StoreUnavailable`."""
    found = run_alone(engine, _HAS_OLDER, {"age": age})
    return bool(found and found[0])


def lock_old(connection: Connection, age: timedelta, limit: int) -> dict[int, OutboxMessage]:
    """By their ids, the oldest messages that have waited for `age`, in order, for this transaction alone.

    It waits for the process that publishes them now and then no longer sees what that deleted; so no message
    overtakes an earlier one of its key. Every caller locks in the order of the ids, so none can deadlock.
    """
    return _locked(connection, _older_than(age), limit)


def lock_any(connection: Connection, age: timedelta, limit: int) -> dict[int, OutboxMessage]:
    """As `lock_old`, but all of some keys, whichever: for when the oldest cannot be published."""
    statement = select(outbox.c.key).where(_older_than(age)).order_by(func.random()).limit(limit)
    return _locked(connection, outbox.c.key.in_(list(connection.execute(statement).scalars())))


def waiting(connection: Connection, keys: Collection[str]) -> set[str]:
    """Those of `keys` that have a message here."""
    return set(connection.execute(select(outbox.c.key).where(outbox.c.key.in_(keys))).scalars())


def remove(connection: Connection, ids: Collection[int]) -> None:
    """Forgets messages that the broker has acknowledged."""
    if ids:
        connection.execute(delete(outbox).where(outbox.c.id.in_(ids)))


def backlog(connection: Connection) -> Backlog:
    """For the metrics: of this table and of `publications`."""
    return Backlog(*connection.exec_driver_sql(_BACKLOG).one())


def _older_than(age: timedelta) -> ColumnElement[bool]:
    """By one time for all rows: else an old message might be left out, and the one after it not."""
    return outbox.c.created_at < func.statement_timestamp() - literal(age)


def _locked(
    connection: Connection, where: ColumnElement[bool], limit: int | None = None
) -> dict[int, OutboxMessage]:
    statement = select(outbox).where(where).order_by(outbox.c.id).limit(limit).with_for_update()
    return {
        row.id: OutboxMessage(row.topic, row.key, row.value, carrier_of(row), row.traced)
        for row in connection.execute(statement)
    }
