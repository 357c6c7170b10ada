"""Statements on `step_results`: what steps have left for a later attempt at the same report."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from waybill.domain import MAX_RESULTS, StepResult, StoredFile
from waybill.store.direct import AnyConnection, send
from waybill.store.statements._rows import carrier_from

# Another attempt, with other parameters, may have left one of the same step.
_PUT = """
INSERT INTO step_results (
    report_id, step, digest, attempt, value, key, path, size, sha256, traceparent, tracestate
)
SELECT report_id, step, digest, attempt, value, key, path, size, sha256, traceparent, tracestate
FROM jsonb_to_recordset(%(document)s::jsonb) AS new (
    report_id uuid, step text, digest text, attempt integer, value text, key text, path text, size bigint,
    sha256 text, traceparent text, tracestate text
)
ON CONFLICT (report_id, step) DO UPDATE SET
    digest = excluded.digest, attempt = excluded.attempt, value = excluded.value, key = excluded.key,
    path = excluded.path, size = excluded.size, sha256 = excluded.sha256,
    traceparent = excluded.traceparent, tracestate = excluded.tracestate, created_at = clock_timestamp()
RETURNING step
"""
_OF_REPORT = """
SELECT step, digest, attempt, value, key, path, size, sha256, traceparent, tracestate
FROM step_results WHERE report_id = %(report_id)s AND digest = %(digest)s
ORDER BY created_at LIMIT %(most)s
"""
# Files are removed after the commit, by any process that finds the rows that are left.
_END = """
WITH without_file AS (
    DELETE FROM step_results WHERE report_id = ANY (%(ids)s::uuid[]) AND key IS NULL
)
UPDATE step_results SET done_at = clock_timestamp()
WHERE report_id = ANY (%(ids)s::uuid[]) AND key IS NOT NULL
RETURNING step
"""
_ENDED = """
SELECT reports.id, reports.tenant, max(ended.done_at), count(*) FROM (
    SELECT report_id, done_at FROM step_results
    WHERE done_at > %(after)s ORDER BY done_at LIMIT %(limit)s
) AS ended JOIN reports ON reports.id = ended.report_id
GROUP BY reports.id ORDER BY max(ended.done_at)
"""
_REMOVE = "DELETE FROM step_results WHERE report_id = ANY (%(ids)s::uuid[])"


@dataclass(frozen=True)
class DoneReport:
    """One whose results nothing needs any more, though their files are there; `rows`: how many of those that
    were looked at it has."""

    id: UUID
    tenant: str
    done_at: datetime
    rows: int


def put(connection: AnyConnection, results: Sequence[tuple[UUID, StepResult]]) -> None:
    """Results of reports, in the transaction that ends their steps."""
    document = [_row(report_id, one) for report_id, one in results]
    send(connection, _PUT, {"document": json.dumps(document)})


def end(connection: AnyConnection, report_ids: Collection[UUID]) -> None:
    """These reports are done in this transaction."""
    send(connection, _END, {"ids": list(report_ids)})


def of_report(connection: Connection, report_id: UUID, digest: str) -> list[StepResult]:
    """Those that an attempt with this digest may reuse."""
    values = {"report_id": report_id, "digest": digest, "most": MAX_RESULTS}
    return [_result(*row) for row in connection.exec_driver_sql(_OF_REPORT, values)]


def ended(connection: Connection, after: datetime | None, limit: int) -> list[DoneReport]:
    """Reports that were done later than `after` and have rows that `end` has left: those that were first, of
    as many rows as `limit` says."""
    rows = connection.exec_driver_sql(_ENDED, {"after": after or "-infinity", "limit": limit})
    return [DoneReport(*row) for row in rows]


def remove(connection: Connection, report_ids: Collection[UUID]) -> None:
    """All results of these reports."""
    connection.exec_driver_sql(_REMOVE, {"ids": list(report_ids)})


def _row(report_id: UUID, result: StepResult) -> Mapping[str, Any]:
    return {
        "report_id": str(report_id),
        "step": result.step,
        "digest": result.digest,
        "attempt": result.attempt,
        "value": result.value,
        **(vars(result.file) if result.file else {}),
        **(result.carrier.as_dict() if result.carrier else {}),
    }


def _result(
    step: str,
    digest: str,
    attempt: int,
    value: str | None,
    key: str | None,
    path: str,
    size: int,
    sha256: str,
    traceparent: str | None,
    tracestate: str | None,
) -> StepResult:
    file = None if key is None else StoredFile(key, path, size, sha256)
    return StepResult(step, digest, attempt, value, file, carrier_from(traceparent, tracestate))
