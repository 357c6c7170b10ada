"""Statements on `api_keys`."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, Update, func, insert, or_, select, update

from waybill.domain import ApiKey, Owner, Role
from waybill.store.statements._rows import ago, from_now
from waybill.store.tables import api_keys


@dataclass(frozen=True)
class StoredKey:
    """A key that may be used now, with the hash of its secret."""

    key: ApiKey
    secret_sha256: bytes


def usable(connection: Connection, key_id: str) -> StoredKey | None:
    """None where there is no such key, or it was revoked or has expired."""
    is_usable = (api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None), _EXPIRED.is_not(True))
    row = connection.execute(select(api_keys).where(*is_usable)).one_or_none()
    return StoredKey(_key(row), row.secret_sha256) if row else None


def put(
    connection: Connection,
    key_id: str,
    secret_sha256: bytes,
    *,
    name: str,
    owner: Owner,
    roles: Collection[Role],
    created_by: str,
    lifetime: timedelta | None,
) -> ApiKey:
    """Keeps a new key."""
    statement = insert(api_keys).values(
        id=key_id,
        secret_sha256=secret_sha256,
        name=name,
        tenant=owner.tenant,
        owner=owner.name,
        roles=sorted(roles),
        created_by=created_by,
        expires_at=from_now(lifetime) if lifetime else None,
    )
    return _key(connection.execute(statement.returning(*api_keys.c)).one())


def page(connection: Connection) -> list[ApiKey]:
    """All of them, those that were revoked too: by tenant and owner, and the newest first."""
    order = (api_keys.c.tenant, api_keys.c.owner, api_keys.c.created_at.desc())
    statement = select(api_keys).order_by(*order)
    return [_key(row) for row in connection.execute(statement)]


def rotate(connection: Connection, key_id: str, secret_sha256: bytes) -> ApiKey | None:
    """Another secret for the key. None where there is none that could be used."""
    statement = _of(key_id).where(_EXPIRED.is_not(True)).values(secret_sha256=secret_sha256)
    return _changed(connection, statement)


def revoke(connection: Connection, key_id: str) -> ApiKey | None:
    """The key can be used no more. None where there is none, or it was revoked before."""
    return _changed(connection, _of(key_id).values(revoked_at=func.clock_timestamp()))


def note_use(connection: Connection, key_id: str, every: timedelta) -> None:
    """It was used now; not where that is known of a time since `every`."""
    used = api_keys.c.last_used_at
    is_old = or_(used.is_(None), used < ago(every))
    connection.execute(
        update(api_keys).where(api_keys.c.id == key_id, is_old).values(last_used_at=func.clock_timestamp())
    )


# --- parts --------------------------------------------------------------------------------------------

_EXPIRED = api_keys.c.expires_at <= func.statement_timestamp()


def _of(key_id: str) -> Update:
    is_it = (api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
    return update(api_keys).where(*is_it).returning(*api_keys.c)


def _changed(connection: Connection, statement: Update) -> ApiKey | None:
    row = connection.execute(statement).one_or_none()
    return _key(row) if row else None


def _key(row: Row[Any]) -> ApiKey:
    known = {str(role) for role in Role}
    return ApiKey(
        id=row.id,
        name=row.name,
        owner=Owner(row.tenant, row.owner),
        roles=frozenset(Role(role) for role in row.roles if role in known),
        created_by=row.created_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
