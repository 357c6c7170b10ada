"""Statements on `audit`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, literal, select

from waybill.domain import EVERYTHING, Action, Actor, AuditEntry, AuditEvent, Owner, Scope
from waybill.store.direct import AnyConnection, send
from waybill.store.tables import audit

_PUT = """
INSERT INTO audit (actor_tenant, actor, credential, action, tenant, report_id, subject, trace_id)
SELECT actor_tenant, actor, credential, action, tenant, report_id, subject, trace_id
FROM jsonb_to_recordset(%(events)s::jsonb) AS event (
    actor_tenant text, actor text, credential text, action text, tenant text, report_id uuid, subject text,
    trace_id text
)
RETURNING id
"""


@dataclass(frozen=True)
class AuditFilter:
    """Which entries: all that fit, newest first, and before the entry `before` where it is given. `scope`:
    what they were done to; `actor`: who did them."""

    action: Action | None = None
    actor: str | None = None
    report_id: UUID | None = None
    before: int | None = None
    limit: int = 50
    scope: Scope = EVERYTHING


def put(connection: AnyConnection, events: Sequence[AuditEvent]) -> None:
    """Keeps what was done, in the transaction that does it."""
    send(connection, _PUT, {"events": json.dumps([event.as_json() for event in events])})


def page(connection: Connection, wanted: AuditFilter) -> list[AuditEntry]:
    """What was done, newest first."""
    statement = select(audit).order_by(audit.c.id.desc()).limit(wanted.limit)
    if wanted.scope.tenant is not None:
        statement = statement.where(audit.c.tenant == wanted.scope.tenant)
    if wanted.scope.owner is not None:
        statement = statement.where(audit.c.actor == wanted.scope.owner)
    if wanted.action is not None:
        statement = statement.where(audit.c.action == wanted.action)
    if wanted.actor is not None:
        statement = statement.where(audit.c.actor == wanted.actor)
    if wanted.report_id is not None:
        statement = statement.where(audit.c.report_id == wanted.report_id)
    if wanted.before is not None:
        statement = statement.where(audit.c.id < wanted.before)
    return [_entry(row) for row in connection.execute(statement)]


def remove_old(connection: Connection, age: timedelta, limit: int) -> int:
    """Forgets entries older than `age`, and than what the database keeps in any case; how many."""
    return int(connection.scalar(select(func.remove_old_audit(literal(age), limit))) or 0)


def _entry(row: Row[Any]) -> AuditEntry:
    actor = Actor(Owner(row.actor_tenant, row.actor), row.credential)
    event = AuditEvent(actor, row.action, row.tenant, row.report_id, row.subject, row.trace_id)
    return AuditEntry(row.id, row.at, event)
