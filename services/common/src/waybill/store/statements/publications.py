"""Statements on `publications`: what changes of reports have to publish."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from waybill.domain import Carrier
from waybill.store.statements._rows import carrier_from

AGAIN = 0
"""The `first` of a row for an event that is published once more. It is another row than that of its change,
which a process may have published already, and be about to delete."""


@dataclass(frozen=True)
class Publication:
    """A row: the events of the versions from `first` to `last`, and, if so, a command. A command alone has no
    version: its `first` is behind its `last`. Where `first` is `AGAIN`, it is the event of `last` alone."""

    report_id: UUID
    first: int
    last: int
    command: bool = False

    @property
    def is_command_alone(self) -> bool:
        return self.first > self.last

    def as_json(self) -> dict[str, Any]:
        return {
            "report_id": str(self.report_id),
            "first": self.first,
            "last": self.last,
            "command": self.command,
        }


@dataclass(frozen=True)
class StoredPublication:
    """A row with what is to be published: the events' JSON, and what makes a command."""

    row: Publication
    kind: str
    carrier: Carrier | None
    events: Sequence[str]


# process does no longer see what that has deleted. All lock in the same order, so that none can deadlock.
_LOCK = """
WITH locked AS (
    SELECT report_id, first_version, last_version, command, created_at
    FROM publications
    WHERE created_at < statement_timestamp() - %(age)s AND report_id IN ({which})
    ORDER BY report_id, first_version, last_version
    FOR UPDATE
)
SELECT locked.report_id, first_version, last_version, command, kind, traceparent, tracestate, ARRAY(
    SELECT data::text FROM report_events
    WHERE report_events.report_id = locked.report_id
        AND version >= CASE first_version WHEN 0 THEN last_version ELSE first_version END
        AND version <= last_version
    ORDER BY version
)
FROM locked JOIN reports ON reports.id = locked.report_id
ORDER BY locked.created_at, locked.report_id, first_version, last_version
"""
_FIRST = """
    SELECT report_id FROM publications WHERE created_at < statement_timestamp() - %(age)s LIMIT %(limit)s
"""
_ANY = """
    SELECT report_id FROM publications WHERE created_at < statement_timestamp() - %(age)s
    ORDER BY random() LIMIT %(limit)s
"""
_LOCK_OLD, _LOCK_ANY = _LOCK.replace("{which}", _FIRST), _LOCK.replace("{which}", _ANY)

_REMOVE = """
DELETE FROM publications USING jsonb_to_recordset(%(rows)s::jsonb)
    AS row (report_id uuid, first integer, last integer)
WHERE publications.report_id = row.report_id AND first_version = row.first AND last_version = row.last
"""


def lock_old(connection: Connection, age: timedelta, limit: int) -> list[StoredPublication]:
    """What has waited for `age`, for this transaction alone: a process died before it published it."""
    return _locked(connection, _LOCK_OLD, age, limit)


def lock_any(connection: Connection, age: timedelta, limit: int) -> list[StoredPublication]:
    """As `lock_old`, but of reports that chance selects: for when others cannot be published."""
    return _locked(connection, _LOCK_ANY, age, limit)


def remove(connection: Connection, rows: Collection[Publication]) -> None:
    """Forgets locked rows that were published."""
    connection.exec_driver_sql(_REMOVE, {"rows": json.dumps([row.as_json() for row in rows])})


def waiting(connection: Connection, keys: Collection[str]) -> set[str]:
    """Those of the reports `keys` that have something to publish."""
    found = connection.exec_driver_sql(
        "SELECT DISTINCT report_id::text FROM publications WHERE report_id = ANY(%(keys)s::uuid[])",
        {"keys": list(keys)},
    )
    return set(found.scalars())


def _locked(connection: Connection, statement: str, age: timedelta, limit: int) -> list[StoredPublication]:
    found = connection.exec_driver_sql(statement, {"age": age, "limit": limit})
    return [
        StoredPublication(
            Publication(report_id, first, last, command),
            kind,
            carrier_from(traceparent, tracestate),
            events,
        )
        for report_id, first, last, command, kind, traceparent, tracestate, events in found
    ]
