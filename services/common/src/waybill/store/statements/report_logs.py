"""Statements on `report_logs`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from waybill.domain import LOG_BEGINNING, LogChunk, LogPosition, NewLogChunk

_ATTEMPTS: Final = 20
"""The last of a report, whose last lines stay even where they have no room."""

_PUT: Final = """
INSERT INTO report_logs (report_id, attempt, line, lines, bytes, records)
SELECT report_id, attempt, line, jsonb_array_length(records), bytes, records
FROM jsonb_to_recordset(%(chunks)s::jsonb) AS chunk (
    report_id uuid, attempt integer, line bigint, bytes integer, records jsonb
)
WHERE EXISTS (SELECT FROM reports WHERE id = chunk.report_id)
ON CONFLICT DO NOTHING
"""

_TRIM: Final = """
WITH chunk AS (
    SELECT report_id, attempt, line, bytes,
        sum(bytes) OVER (PARTITION BY report_id ORDER BY attempt, line) AS until,
        sum(bytes) OVER (PARTITION BY report_id) AS total,
        lead(attempt) OVER (PARTITION BY report_id ORDER BY attempt, line) AS next_attempt,
        max(attempt) OVER (PARTITION BY report_id) AS newest
    FROM report_logs WHERE report_id = ANY(%(report_ids)s)
)
DELETE FROM report_logs AS kept USING chunk
WHERE kept.report_id = chunk.report_id AND kept.attempt = chunk.attempt AND kept.line = chunk.line
    AND until > %(half)s AND total - until + chunk.bytes > %(half)s
    AND NOT (next_attempt IS DISTINCT FROM chunk.attempt AND chunk.attempt > newest - %(attempts)s)
"""

_AFTER: Final = """
SELECT number, chunk.attempt, chunk.line, chunk.records
FROM unnest(%(report_ids)s::uuid[], %(attempts)s::integer[], %(lines)s::bigint[], %(one_attempt)s::integer[])
    WITH ORDINALITY AS wanted (report_id, attempt, line, one_attempt, number)
CROSS JOIN LATERAL (
    SELECT attempt, line, records FROM report_logs
    WHERE report_id = wanted.report_id
        AND (attempt, line) >= (wanted.attempt, coalesce((
            SELECT max(before.line) FROM report_logs AS before
            WHERE before.report_id = wanted.report_id AND before.attempt = wanted.attempt
                AND before.line <= wanted.line
        ), 0))
        AND (attempt > wanted.attempt OR line + lines - 1 > wanted.line)
        AND (wanted.one_attempt IS NULL OR attempt = wanted.one_attempt)
    ORDER BY attempt, line LIMIT %(limit)s
) AS chunk
ORDER BY number, attempt, line
"""

_NEWEST: Final = """
SELECT attempt, line, records FROM report_logs WHERE report_id = %(report_id)s
ORDER BY attempt DESC, line DESC LIMIT %(limit)s
"""


@dataclass(frozen=True)
class WantedLog:
    """Of a report, what comes after a position; of one attempt, or of all."""

    report_id: UUID
    after: LogPosition = LOG_BEGINNING
    attempt: int | None = None


def put(connection: Connection, chunks: Sequence[NewLogChunk]) -> None:
    """Keeps chunks, each once; not those of reports that are gone."""
    values = [
        {
            "report_id": str(chunk.report_id),
            "attempt": chunk.attempt,
            "line": chunk.line,
            "bytes": chunk.bytes,
            "records": chunk.records,
        }
        for chunk in chunks
    ]
    connection.exec_driver_sql(_PUT, {"chunks": json.dumps(values, ensure_ascii=False)})


def trim(connection: Connection, report_ids: Sequence[UUID], max_bytes: int) -> None:
    """Of each report, keeps half of `max_bytes` from the beginning and half of it from the end; and the last
    chunk of each attempt, which says why it ended."""
    connection.exec_driver_sql(
        _TRIM, {"report_ids": list(report_ids), "half": max_bytes // 2, "attempts": _ATTEMPTS}
    )


def after_each(connection: Connection, wanted: Sequence[WantedLog], limit: int) -> list[tuple[int, LogChunk]]:
    """What there is of each, in order, with its place in `wanted`: the first `limit` chunks of each. The
    first one may begin before the position."""
    values = {
        "report_ids": [one.report_id for one in wanted],
        "attempts": [one.after.attempt for one in wanted],
        "lines": [one.after.line for one in wanted],
        "one_attempt": [one.attempt for one in wanted],
        "limit": limit,
    }
    found = connection.exec_driver_sql(_AFTER, values)
    return [(number - 1, LogChunk(attempt, line, records)) for number, attempt, line, records in found]


def newest(connection: Connection, report_id: UUID, limit: int) -> list[LogChunk]:
    """The last `limit` chunks of a report, in order."""
    found = connection.exec_driver_sql(_NEWEST, {"report_id": report_id, "limit": limit}).all()
    return [LogChunk(attempt, line, records) for attempt, line, records in reversed(found)]
