"""Statements on `report_events`."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert, select

from waybill.domain import Report
from waybill.store.tables import report_events


@dataclass(frozen=True)
class StoredEvent:
    """One change of a report, as it was published: `data` is the status event's JSON."""

    version: int
    type: str
    data: dict[str, Any]


def append(connection: Connection, report: Report, event_type: str, data: dict[str, Any]) -> None:
    """Keeps the event of the change that has led to `report`."""
    connection.execute(
        insert(report_events).values(
            report_id=report.id, version=report.version, type=event_type, data=data, at=report.updated_at
        )
    )


def after(connection: Connection, report_id: UUID, version: int) -> list[StoredEvent]:
    """What a client that has seen `version` has missed, in order."""
    statement = (
        select(report_events.c.version, report_events.c.type, report_events.c.data)
        .where(report_events.c.report_id == report_id, report_events.c.version > version)
        .order_by(report_events.c.version)
    )
    return [StoredEvent(*row) for row in connection.execute(statement)]


def latest(connection: Connection, report_id: UUID) -> StoredEvent | None:
    """The event of the report's last change."""
    statement = (
        select(report_events.c.version, report_events.c.type, report_events.c.data)
        .where(report_events.c.report_id == report_id)
        .order_by(report_events.c.version.desc())
        .limit(1)
    )
    row = connection.execute(statement).one_or_none()
    return StoredEvent(*row) if row else None
