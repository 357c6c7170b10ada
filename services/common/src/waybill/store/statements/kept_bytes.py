"""Statements on `kept_bytes`: the size of the artefacts that are kept, of those who have a limit of it.

A row that is missing stands for 0. It is changed in the transaction that stores an artefact or removes one,
and counted when the limit is set. What is removed while it is counted for the first time may stay counted;
setting the limit again counts all again.
"""

import json
from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import Connection

from waybill.domain import EACH, Holder, Level, Report
from waybill.store.direct import AnyConnection, send
from waybill.store.statements import artefacts

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
    SELECT tenant, owner, sum({artefacts.BYTES}) AS bytes FROM reports
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

_FORGET = f"""
DELETE FROM kept_bytes WHERE (level, tenant, owner) IN (
    SELECT level, tenant, owner FROM kept_bytes AS one WHERE NOT {_HAS_LIMIT.replace("{one}", "one")}
    {_ORDER} FOR UPDATE
)
"""  # noqa: S608 - ours
_ONE_COUNT = "SELECT pg_advisory_xact_lock(1463898444, 16)"
# What ends meanwhile is added to the rows that are there, and stays added: only the difference is.
_COUNT = """
WITH counted AS MATERIALIZED (
    SELECT tenant, {owner} AS owner, sum({bytes})::bigint AS bytes
    FROM reports WHERE artefact IS NOT NULL AND %(tenant)s IN (tenant, '') AND %(owner)s IN (owner, '')
    GROUP BY 1, 2
), before AS MATERIALIZED (
    SELECT tenant, owner, bytes FROM kept_bytes
    WHERE level = %(level)s AND %(tenant)s IN (tenant, '') AND %(owner)s IN (owner, '')
)
INSERT INTO kept_bytes AS kept (level, tenant, owner, bytes)
SELECT %(level)s, tenant, owner, coalesce(counted.bytes, 0) - coalesce(before.bytes, 0)
FROM counted FULL JOIN before USING (tenant, owner) ORDER BY tenant, owner
ON CONFLICT (level, tenant, owner) DO UPDATE SET bytes = greatest(0, kept.bytes + excluded.bytes)
""".replace("{bytes}", artefacts.BYTES)


def add(connection: AnyConnection, ended: Iterable[Report]) -> None:
    """They have ended in this transaction, each with the artefacts that it has."""
    document = [
        {
            "tenant": one.owner.tenant,
            "owner": one.owner.name,
            "bytes": sum(artefact.size for artefact in one.artefacts),
        }
        for one in ended
        if one.artefacts
    ]
    if document:
        send(connection, _ADD, {"document": json.dumps(document)})


def subtract(connection: Connection, report_ids: Sequence[UUID]) -> None:
    """These reports are removed in this transaction, and are still there."""
    connection.exec_driver_sql(_SUBTRACT, {"ids": list(report_ids)})


def count(connection: Connection, holder: Holder) -> None:
    """Counts what is kept of those for whom the holder's limits are. Reads all reports that it may be of, one
    count at a time; nothing else waits for it."""
    values = {"level": holder.level, "tenant": holder.tenant, "owner": holder.owner}
    owner = "owner" if holder.level is Level.OWNER else f"'{EACH}'::text"
    connection.exec_driver_sql(_ONE_COUNT)
    connection.exec_driver_sql(_COUNT.replace("{owner}", owner), values)


def forget(connection: Connection) -> None:
    """Of those who have such a limit no more."""
    connection.exec_driver_sql(_FORGET)
