"""Statements on `report_events`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Connection, Integer, Uuid, column, func, literal, select, true

from waybill.store.tables import report_events


@dataclass(frozen=True)
class StoredEvent:
    """One change of a report, as it was published: `data` is the status event's JSON."""

    version: int
    type: str
    data: dict[str, Any]


def after(connection: Connection, report_id: UUID, version: int, limit: int) -> list[StoredEvent]:
    """What a client that has seen `version` has missed, in order: the first `limit` of it."""
    statement = (
        select(report_events.c.version, report_events.c.type, report_events.c.data)
        .where(report_events.c.report_id == report_id, report_events.c.version > version)
        .order_by(report_events.c.version)
        .limit(limit)
    )
    return [StoredEvent(*row) for row in connection.execute(statement)]


def after_each(
    connection: Connection, versions: Mapping[UUID, int], limit: int
) -> list[tuple[UUID, StoredEvent]]:
    """What has come after a version of each of several reports, in order: the first `limit` of each."""
    wanted = (
        func.unnest(literal(list(versions), ARRAY(Uuid)), literal(list(versions.values()), ARRAY(Integer)))
        .table_valued(column("report_id", Uuid), column("version", Integer), name="wanted")
        .render_derived()
    )
    event = (
        select(report_events.c.version, report_events.c.type, report_events.c.data)
        .where(report_events.c.report_id == wanted.c.report_id, report_events.c.version > wanted.c.version)
        .order_by(report_events.c.version)
        .limit(limit)
        .lateral("event")
    )
    statement = (
        select(wanted.c.report_id, event.c.version, event.c.type, event.c.data)
        .select_from(wanted.join(event, true()))
        .order_by(wanted.c.report_id, event.c.version)
    )
    return [(report_id, StoredEvent(*event)) for report_id, *event in connection.execute(statement)]
