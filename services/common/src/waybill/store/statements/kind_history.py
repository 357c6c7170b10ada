"""The newest reports of one kind that have ended: read by the index that lists have."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, select, true

from waybill.domain import Scope, Status
from waybill.store.statements._rows import newest_first
from waybill.store.statements._wanted import given_values, of_scope
from waybill.store.statements.overview import SCOPES
from waybill.store.tables import reports


@dataclass(frozen=True)
class EndedReport:
    """A report that was done, or failed. One may fail before it has started."""

    id: UUID
    status: Status
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime

    @property
    def ran(self) -> float | None:
        """In seconds."""
        return max(0.0, (self.finished_at - self.started_at).total_seconds()) if self.started_at else None

    @property
    def waited(self) -> float | None:
        """In seconds."""
        return max(0.0, (self.started_at - self.created_at).total_seconds()) if self.started_at else None


def newest_ended(connection: Connection, scope: Scope, kind: str, limit: int) -> list[EndedReport]:
    """Of those that were done and of those that failed `limit` each are read; the newest first."""
    return [
        EndedReport(row.id, Status(row.status), row.created_at, row.started_at, row.finished_at)
        for row in connection.execute(_newest_ended(scope, kind, limit))
    ]


@lru_cache(SCOPES)
def _newest_ended(scope: Scope, kind: str, limit: int) -> Select[Any]:
    given = given_values("status", [Status.DONE, Status.FAIL])
    names = ("id", "status", "created_at", "started_at", "finished_at")
    found = (
        select(*(reports.c[name] for name in names))
        .where(reports.c.kind == kind, reports.c.status == given.c.status, *of_scope(scope))
        .where(reports.c.finished_at.is_not(None))
        .order_by(*newest_first(reports))
        .limit(limit)
        .lateral("found")
    )
    return select(found).select_from(given.join(found, true())).order_by(*newest_first(found)).limit(limit)
