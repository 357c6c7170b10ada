"""Statements on `idempotency_keys`."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection, delete, func, insert, select

from waybill.store.statements._rows import ago
from waybill.store.tables import idempotency_keys


@dataclass(frozen=True)
class KnownRequest:
    """The request that has used a key, and the report it led to."""

    request_sha256: str
    report_id: UUID


def try_lock(connection: Connection, key: str) -> bool:
    """Whether no other request with this key is under way; then none is until this transaction's end."""
    number = func.hashtextextended(key, 0)
    return bool(connection.scalar(select(func.pg_try_advisory_xact_lock(number))))


def get(connection: Connection, key: str) -> KnownRequest | None:
    """Who has used the key before."""
    row = connection.execute(
        select(idempotency_keys.c.request_sha256, idempotency_keys.c.report_id).where(
            idempotency_keys.c.key == key
        )
    ).one_or_none()
    return KnownRequest(*row) if row else None


def put(connection: Connection, key: str, request: KnownRequest) -> None:
    """The key is used; a second use of it fails on the primary key."""
    connection.execute(
        insert(idempotency_keys).values(
            key=key, request_sha256=request.request_sha256, report_id=request.report_id
        )
    )


def remove_old(connection: Connection, age: timedelta, limit: int) -> int:
    """Forgets keys older than `age`; how many."""
    old = (
        select(idempotency_keys.c.key)
        .where(idempotency_keys.c.created_at < ago(age))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return connection.execute(delete(idempotency_keys).where(idempotency_keys.c.key.in_(old))).rowcount
