"""Statements on `kept_bytes`: the size of the artefacts that are kept, of those who have a limit of it.

A row that is missing stands for 0. It is changed in the transaction that stores an artefact or removes one,
and counted when the limit is set. What ends, or is removed, in the very moment in which it is set may be
missed or be counted twice; setting it again counts all again.
"""

import json
from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import Connection

from waybill.domain import EACH, Holder, Level, Report
from waybill.store.direct import AnyConnection, send

_HAS_LIMIT = """EXISTS (
    SELECT FROM limits WHERE limits.level = {one}.level AND limits.tenant IN ({one}.tenant, '')
        AND limits.owner IN ({one}.owner, '') AND max_kept_bytes IS NOT NULL
)"""
# In this order everywhere, so that no two statements wait for each other.
_ORDER = "ORDER BY level, tenant, owner"

_ADD = f"""
WITH new AS (
    SELECT tenant, owner, sum(bytes)::bigint AS bytes
    FROM jsonb_to_recordset(%(document)s::jsonb) AS new (tenant text, owner text, bytes bigint)
    GROUP BY tenant, owner
), added AS (
    SELECT 'tenant' AS level, tenant, '' AS owner, sum(bytes)::bigint AS bytes FROM new GROUP BY tenant
    UNION ALL
    SELECT 'owner', tenant, owner, bytes FROM new
)
INSERT INTO kept_bytes AS kept (level, tenant, owner, bytes)
SELECT level, tenant, owner, bytes FROM added WHERE {_HAS_LIMIT.replace("{one}", "added")} {_ORDER}
ON CONFLICT (level, tenant, owner) DO UPDATE SET bytes = kept.bytes + excluded.bytes
RETURNING bytes
"""  # noqa: S608 - ours

_SUBTRACT = f"""
WITH gone AS (
    SELECT tenant, owner, sum((artefact ->> 'size')::bigint) AS bytes FROM reports
    WHERE id = ANY (%(ids)s::uuid[]) AND artefact IS NOT NULL GROUP BY tenant, owner
), removed AS (
    SELECT 'tenant' AS level, tenant, '' AS owner, sum(bytes)::bigint AS bytes FROM gone GROUP BY tenant
    UNION ALL
    SELECT 'owner', tenant, owner, bytes::bigint FROM gone
), locked AS (
    SELECT level, tenant, owner, removed.bytes FROM kept_bytes JOIN removed USING (level, tenant, owner)
    {_ORDER}
    FOR UPDATE OF kept_bytes
)
UPDATE kept_bytes AS kept SET bytes = greatest(0, kept.bytes - locked.bytes) FROM locked
WHERE kept.level = locked.level AND kept.tenant = locked.tenant AND kept.owner = locked.owner
"""  # noqa: S608 - ours

_FORGET = "DELETE FROM kept_bytes WHERE NOT " + _HAS_LIMIT.replace("{one}", "kept_bytes")  # noqa: S608 - ours
_FORGET_OF = """
DELETE FROM kept_bytes WHERE level = %(level)s
    AND %(tenant)s IN (tenant, '') AND %(owner)s IN (owner, '')
"""
_COUNT = f"""
INSERT INTO kept_bytes AS kept (level, tenant, owner, bytes)
SELECT %(level)s AS level, tenant, {{owner}} AS owner, sum((artefact ->> 'size')::bigint)
FROM reports WHERE artefact IS NOT NULL AND %(tenant)s IN (tenant, '') AND %(owner)s IN (owner, '')
GROUP BY 1, 2, 3 {_ORDER}
ON CONFLICT (level, tenant, owner) DO UPDATE SET bytes = kept.bytes + excluded.bytes
"""  # noqa: S608 - ours


def add(connection: AnyConnection, ended: Iterable[Report]) -> None:
    """They have ended in this transaction, each with the artefact that it has."""
    document = [
        {"tenant": one.owner.tenant, "owner": one.owner.name, "bytes": one.artefact.size}
        for one in ended
        if one.artefact
    ]
    if document:
        send(connection, _ADD, {"document": json.dumps(document)})


def subtract(connection: Connection, report_ids: Sequence[UUID]) -> None:
    """These reports are removed in this transaction, and are still there."""
    connection.exec_driver_sql(_SUBTRACT, {"ids": list(report_ids)})


def count(connection: Connection, holder: Holder) -> None:
    """Counts what is kept of those for whom the holder's limits are. Reads all reports that it may be of."""
    values = {"level": holder.level, "tenant": holder.tenant, "owner": holder.owner}
    owner = "owner" if holder.level is Level.OWNER else f"'{EACH}'"
    connection.exec_driver_sql(_FORGET_OF, values)
    connection.exec_driver_sql(_COUNT.replace("{owner}", owner), values)


def forget(connection: Connection) -> None:
    """Of those who have such a limit no more."""
    connection.exec_driver_sql(_FORGET)
