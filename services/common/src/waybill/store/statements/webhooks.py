"""Statements on `webhook_deliveries`. Its rows are written by the trigger of migration 0012."""

import json
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection

from waybill.domain import Delivery, DeliveryStatus, DueDelivery, Report
from waybill.store.direct import rows
from waybill.store.statements._rows import REPORT_COLUMNS, report_from

# Each host that something is to be sent to is looked for behind the one before it: however much waits for one
# of them, no more of it is read than its share.
_AT_END: Final = ", ".join(f"at_end.{name}" for name in REPORT_COLUMNS)
_CLAIM: Final = f"""
WITH RECURSIVE hosts AS (
    (SELECT host FROM webhook_deliveries WHERE next_try_at IS NOT NULL ORDER BY host LIMIT 1)
    UNION ALL
    SELECT (
        SELECT behind.host FROM webhook_deliveries AS behind
        WHERE behind.next_try_at IS NOT NULL AND behind.host > hosts.host ORDER BY behind.host LIMIT 1
    ) FROM hosts WHERE hosts.host IS NOT NULL
), due AS MATERIALIZED (
    SELECT one.* FROM hosts CROSS JOIN LATERAL (
        SELECT report_id, version, next_try_at FROM webhook_deliveries
        WHERE webhook_deliveries.host = hosts.host AND next_try_at <= statement_timestamp()
        ORDER BY next_try_at
        LIMIT greatest(0, %(share)s - coalesce((%(busy)s::jsonb ->> hosts.host)::integer, 0))
        FOR UPDATE SKIP LOCKED
    ) AS one
    ORDER BY one.next_try_at LIMIT %(limit)s
), claimed AS (
    UPDATE webhook_deliveries
    SET attempts = attempts + 1, next_try_at = clock_timestamp() + %(claim)s
    FROM due
    WHERE webhook_deliveries.report_id = due.report_id AND webhook_deliveries.version = due.version
    RETURNING webhook_deliveries.report_id, webhook_deliveries.host, attempts, report
)
SELECT reports.webhook, claimed.host, claimed.attempts, {_AT_END}
FROM claimed JOIN reports ON reports.id = claimed.report_id
    CROSS JOIN LATERAL jsonb_populate_record(NULL::reports, claimed.report) AS at_end
"""  # noqa: S608 - ours
_END: Final = """
UPDATE webhook_deliveries SET
    status = %(status)s,
    next_try_at = clock_timestamp() + %(delay)s::interval,
    last_status = %(last_status)s,
    last_error = %(last_error)s,
    report = CASE WHEN %(delay)s::interval IS NULL THEN NULL ELSE report END
WHERE report_id = %(report_id)s AND version = %(version)s AND attempts = %(attempt)s
RETURNING true
"""
_NEWEST: Final = """
SELECT DISTINCT ON (report_id)
    report_id, version, status, attempts, next_try_at, last_status, last_error
FROM webhook_deliveries WHERE report_id = ANY (%(report_ids)s)
ORDER BY report_id, version DESC
"""


def claim(
    connection: Connection, limit: int, share: int, busy: Mapping[str, int], claim: timedelta
) -> list[DueDelivery]:
    """At most `limit` that are due, those first that are due for longest; of one host at most `share`, less
    those that are `busy`. For the time `claim` no other process gets them."""
    values = {"limit": limit, "share": share, "busy": json.dumps(busy), "claim": claim}
    return [_due(*row) for row in rows(connection, _CLAIM, values)]


def end(
    connection: Connection,
    tried: DueDelivery,
    status: DeliveryStatus,
    delay: timedelta | None,
    last_status: int | None,
    last_error: str | None,
) -> bool:
    """What has become of a try; `delay` until the next one, if there is one. False where another process
    tries it by now."""
    values = {
        "report_id": tried.report.id,
        "version": tried.report.version,
        "attempt": tried.attempt,
        "status": status,
        "delay": delay,
        "last_status": last_status,
        "last_error": last_error,
    }
    return bool(rows(connection, _END, values))


def newest(connection: Connection, report_ids: Collection[UUID]) -> dict[UUID, Delivery]:
    """Of each report that has ended, the delivery of its last end."""
    found = rows(connection, _NEWEST, {"report_ids": list(report_ids)})
    return {row[0]: Delivery(row[1], DeliveryStatus(row[2]), *row[3:]) for row in found}


def _due(url: str, host: str, attempt: int, *report: Any) -> DueDelivery:
    columns = dict(zip(REPORT_COLUMNS, report, strict=True))
    at_end: Report = report_from(columns)
    return DueDelivery(at_end, url, host, attempt)
