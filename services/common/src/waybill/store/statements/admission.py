"""Whom limits leave room for a request: parts of the statement that accepts them.

A request is admitted if its owner and its tenant each have room for it, behind those that are before it in
the same statement. What is counted is read by indexes, and no further than the limit; a token for a minute's
requests is taken of those that are admitted alone.

Statements that run at the same time do not see each other's reports: each may fill the room that there is. A
row of `request_rates` is locked first; only of those who have none yet may two take the same tokens, which
they then owe.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from waybill.domain import Level, LimitName, Reached
from waybill.store.tables import AWAITS

_WAITS = f"status = 'init' AND {AWAITS}"
_MOST_COMMANDS = 1000
"""Of reports that have a command, which are few, the number that is looked at."""
_RETRY_QUEUED, _RETRY_BYTES, _RETRY_NEVER = 5, 3600, 60
"""Seconds after which a client may try again, where none are known. Reports may start any moment; files are
removed by retention."""
_UNBOUNDED = 2_147_483_647

NONE_IS_LIMITED: Final = (
    "NOT EXISTS (SELECT FROM limits"
    " WHERE coalesce(max_queued, max_requests_per_minute, max_kept_bytes) IS NOT NULL)"
)
"""A condition, evaluated once for a statement."""


@dataclass
class Limiting:
    """Whether there were limits of requests when this process last accepted one."""

    is_known: bool = False


def waiting(whose: str, most: str) -> str:
    """The number of reports that wait for room or for a retry, at most `most` of each; `whose` is a condition
    on their tenant, and maybe their owner. Those that have a command are not in it."""
    return f"""((
    SELECT count(*) FROM (
        SELECT FROM reports WHERE {_WAITS} = 'room' AND {whose} ORDER BY reports.tenant LIMIT {most}
    ) AS one
) + (
    SELECT count(*) FROM (
        SELECT FROM reports WHERE {_WAITS} = 'retry' AND {whose} ORDER BY reports.tenant LIMIT {most}
    ) AS one
))"""  # noqa: S608 - ours


def _first(column: str) -> str:
    """Of the rows for a holder, the value of the one that names the most of it."""
    order = "ORDER BY limits.tenant DESC, limits.owner DESC"
    return f"(array_agg({column} {order}) FILTER (WHERE {column} IS NOT NULL))[1] AS {column}"


def _queued(level: Level) -> str:
    same = ["tenant", "owner"] if level is Level.OWNER else ["tenant"]
    of_reports = " AND ".join(f"reports.{name} = bounds.{name}" for name in same)
    of_commands = " AND ".join(f"commanded.{name} = bounds.{name}" for name in same)
    return f"""
SELECT bounds.level, bounds.tenant, bounds.owner, '{LimitName.QUEUED}' AS name, max_queued::bigint AS max,
    max_queued - {waiting(of_reports, "max_queued")} - (
        SELECT count(*) FROM commanded WHERE {of_commands}
    ) AS free, {_RETRY_QUEUED}::float AS retry_after
FROM bounds WHERE level = '{level}' AND max_queued IS NOT NULL
"""  # noqa: S608 - ours


ADMITTED: Final = f"""
holders AS MATERIALIZED (
    SELECT 'tenant' AS level, tenant, '' AS owner FROM new GROUP BY tenant
    UNION ALL
    SELECT 'owner', tenant, owner FROM new GROUP BY tenant, owner
), bounds AS MATERIALIZED (
    SELECT holders.level, holders.tenant, holders.owner, applicable.*
    FROM holders CROSS JOIN LATERAL (
        SELECT {_first("max_queued")}, {_first("max_requests_per_minute")}, {_first("max_kept_bytes")}
        FROM limits
        WHERE limits.level = holders.level AND limits.tenant IN (holders.tenant, '')
            AND limits.owner IN (holders.owner, '')
    ) AS applicable
), commanded AS MATERIALIZED (
    SELECT tenant, owner FROM reports WHERE {_WAITS} = 'claim' ORDER BY enqueue_at DESC
    LIMIT (SELECT CASE WHEN bool_or(max_queued IS NOT NULL) THEN {_MOST_COMMANDS} ELSE 0 END FROM bounds)
), rates AS MATERIALIZED (
    SELECT locked.* FROM (
        SELECT * FROM bounds WHERE max_requests_per_minute > 0 ORDER BY level, tenant, owner OFFSET 0
    ) AS one CROSS JOIN LATERAL (
        SELECT level, tenant, owner, paid_until FROM request_rates
        WHERE request_rates.level = one.level AND request_rates.tenant = one.tenant
            AND request_rates.owner = one.owner
        FOR UPDATE
    ) AS locked
), owed AS MATERIALIZED (
    SELECT level, tenant, owner, share, seconds,
        greatest(0, floor((60 - seconds) / share + 0.000001)) AS free
    FROM (
        SELECT bounds.level, bounds.tenant, bounds.owner, 60.0::float / max_requests_per_minute AS share,
            greatest(0, extract(epoch FROM paid_until - clock_timestamp()))::float AS seconds
        FROM bounds LEFT JOIN rates ON rates.level = bounds.level AND rates.tenant = bounds.tenant
            AND rates.owner = bounds.owner
        WHERE max_requests_per_minute > 0
    ) AS one
), spare AS MATERIALIZED (
    SELECT DISTINCT ON (level, tenant, owner) level, tenant, owner, name, max, free, retry_after FROM (
        {_queued(Level.TENANT)}
        UNION ALL
        {_queued(Level.OWNER)}
        UNION ALL
        SELECT bounds.level, bounds.tenant, bounds.owner, '{LimitName.REQUESTS}', max_requests_per_minute,
            coalesce(free, 0)::bigint,
            coalesce(seconds + (free + 1) * share - 60, {_RETRY_NEVER})
        FROM bounds LEFT JOIN owed ON owed.level = bounds.level AND owed.tenant = bounds.tenant
            AND owed.owner = bounds.owner
        WHERE max_requests_per_minute IS NOT NULL
        UNION ALL
        SELECT bounds.level, bounds.tenant, bounds.owner, '{LimitName.KEPT_BYTES}', max_kept_bytes,
            CASE WHEN coalesce(bytes, 0) < max_kept_bytes THEN {_UNBOUNDED} ELSE 0 END, {_RETRY_BYTES}
        FROM bounds LEFT JOIN kept_bytes ON kept_bytes.level = bounds.level
            AND kept_bytes.tenant = bounds.tenant AND kept_bytes.owner = bounds.owner
        WHERE max_kept_bytes IS NOT NULL
    ) AS one ORDER BY level, tenant, owner, free, retry_after DESC
), by_owner AS (
    SELECT new.*, spare.name, spare.max, spare.retry_after, coalesce(
        row_number() OVER (PARTITION BY new.tenant, new.owner ORDER BY new.place) > spare.free, false
    ) AS is_over
    FROM new LEFT JOIN spare ON spare.level = 'owner' AND spare.tenant = new.tenant
        AND spare.owner = new.owner
), by_tenant AS MATERIALIZED (
    SELECT by_owner.*, spare.name AS their_name, spare.max AS their_max,
        spare.retry_after AS their_retry_after, coalesce(
            count(*) FILTER (WHERE NOT is_over) OVER (
                PARTITION BY by_owner.tenant ORDER BY place ROWS UNBOUNDED PRECEDING
            ) + is_over::integer > spare.free, false
        ) AS they_are_over
    FROM by_owner LEFT JOIN spare ON spare.level = 'tenant' AND spare.tenant = by_owner.tenant
), admitted AS MATERIALIZED (
    SELECT id, tenant, owner, priority, kind, parameters, timeout_seconds, traceparent, tracestate,
        definition, outputs, tags, rerun_of, webhook, now,
        row_number() OVER (ORDER BY place) - 1 AS place
    FROM by_tenant WHERE NOT is_over AND NOT they_are_over
), taken AS (
    INSERT INTO request_rates (level, tenant, owner, paid_until)
    SELECT owed.level, owed.tenant, owed.owner, statement_timestamp() + make_interval(secs => share * number)
    FROM owed JOIN (
        SELECT 'tenant' AS level, tenant, '' AS owner, count(*) AS number FROM admitted GROUP BY tenant
        UNION ALL
        SELECT 'owner', tenant, owner, count(*) FROM admitted GROUP BY tenant, owner
    ) AS counted ON counted.level = owed.level AND counted.tenant = owed.tenant AND counted.owner = owed.owner
    ORDER BY owed.level, owed.tenant, owed.owner
    ON CONFLICT (level, tenant, owner) DO UPDATE
    SET paid_until = greatest(request_rates.paid_until, clock_timestamp())
        + (excluded.paid_until - statement_timestamp())
), refused AS (
    SELECT {NONE_IS_LIMITED} AS none_is_limited, (
        SELECT coalesce(jsonb_agg(CASE
            WHEN they_are_over THEN jsonb_build_object(
                'id', id, 'level', 'tenant', 'name', their_name, 'max', their_max,
                'retry_after', their_retry_after
            ) ELSE jsonb_build_object(
                'id', id, 'level', 'owner', 'name', name, 'max', max, 'retry_after', retry_after
            ) END), '[]')
        FROM by_tenant WHERE is_over OR they_are_over
    ) AS refused
)
"""  # noqa: S608 - ours
"""Of a WITH that has `new`: those of them that are `admitted`, with their `place` among these, and what is
`refused`, for `reached`. Of each holder, the limit counts that leaves the least room. It is enough to look at
owners first: where the tenant has no room for one, it has none for those behind it, whose owners' room is of
no matter then."""


def reached(refused: Sequence[dict[str, Any]]) -> dict[UUID, Reached]:
    """Of `refused`: why, by the reports' ids."""
    return {
        UUID(one["id"]): Reached(
            LimitName(one["name"]), Level(one["level"]), one["max"], float(one["retry_after"])
        )
        for one in refused
    }
