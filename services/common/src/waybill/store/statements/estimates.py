"""What an estimate of a report's start and end is made of: a bounded part of the reports is read."""

from typing import Final

from sqlalchemy import Connection

from waybill.domain import MAX_AHEAD, Circumstances, Report, Status
from waybill.store.direct import rows
from waybill.store.statements._waiting import paused
from waybill.store.statements.dispatch import LIVE
from waybill.store.statements.searching import AS_INDEXED

_DURATIONS: Final = """
SELECT extract(epoch FROM finished_at - started_at)::float FROM reports
WHERE kind = %(kind)s AND status = 'done' AND created_at > statement_timestamp() - interval '7 days'
ORDER BY created_at DESC LIMIT 50
"""
# Each kind of which there are reports is looked for behind the one before it, as lists do.
_QUEUE: Final = f"""
WITH RECURSIVE kinds AS (
    (SELECT kind FROM reports ORDER BY kind LIMIT 1)
    UNION ALL
    SELECT (
        SELECT reports.kind FROM reports WHERE reports.kind > kinds.kind ORDER BY reports.kind LIMIT 1
    ) FROM kinds WHERE kinds.kind IS NOT NULL
), own AS MATERIALIZED (
    SELECT (SELECT max_running FROM kind_limits WHERE kind = %(kind)s) AS most
), capacity AS MATERIALIZED (
    SELECT least(coalesce(sum(slots), 0), (SELECT most FROM own)) AS slots FROM {LIVE} AND partitions > 0
)
SELECT
    statement_timestamp(),
    (SELECT slots FROM capacity)::integer,
    CASE WHEN (SELECT most FROM own) IS NULL THEN (
        SELECT count(*) FROM (
            SELECT FROM reports WHERE status = 'processing' AND lease_expires_at > statement_timestamp()
            ORDER BY lease_expires_at LIMIT (SELECT slots FROM capacity)
        ) AS any_kind
    ) ELSE (
        SELECT count(*) FROM (
            SELECT FROM reports WHERE kind = %(kind)s AND status = 'processing'
            ORDER BY created_at LIMIT (SELECT slots FROM capacity)
        ) AS own_kind
    ) END,
    (SELECT count(*) FROM (
        SELECT FROM kinds CROSS JOIN LATERAL (
            SELECT FROM reports
            WHERE reports.kind = kinds.kind AND status = 'init' AND created_at < %(created_at)s
            ORDER BY created_at LIMIT %(most)s
        ) AS one
        WHERE kinds.kind = %(kind)s
            OR ((SELECT most FROM own) IS NULL AND kinds.kind IS NOT NULL AND NOT {paused("kinds.kind")})
        LIMIT %(most)s
    ) AS ahead),
    {paused("%(kind)s")}
"""  # noqa: S608 - ours


def circumstances(connection: Connection, report: Report) -> Circumstances | None:
    """None where no report of the kind was done lately."""
    connection.exec_driver_sql(AS_INDEXED)
    durations = [row[0] for row in rows(connection, _DURATIONS, {"kind": report.kind})]
    if not durations:
        return None
    values = {"kind": report.kind, "created_at": report.created_at, "most": MAX_AHEAD + 1}
    ((now, slots, running, ahead, is_paused),) = rows(connection, _QUEUE, values)
    waits = report.status is Status.INIT
    return Circumstances(now, durations, slots, running, ahead if waits else 0, is_paused)
