"""Statements on `reports` that run for many reports at once: requests, claims, and what attempts write.

Each gets one JSON document with an object for each report, and returns the rows that it has changed by their
place in the document; a row that is missing was refused. Rows are locked in the order of their ids, so that
no two of these statements wait for each other.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from waybill.domain import Report
from waybill.store.direct import AnyConnection, rows
from waybill.store.statements._rows import REPORT_COLUMNS, report_from

Document = Sequence[Mapping[str, Any]]

_INSERT = """
INSERT INTO reports (id, kind, parameters, timeout_seconds, enqueue_at, traceparent, tracestate)
SELECT id, kind, parameters, timeout_seconds, clock_timestamp() + %(requeue_after)s, traceparent, tracestate
FROM jsonb_to_recordset(%(document)s::jsonb) AS new (
    id uuid, kind text, parameters jsonb, timeout_seconds float, traceparent text, tracestate text
)
RETURNING {columns}
"""

_CLAIM = """
WITH waiting AS (
    SELECT reports.id, reports.attempt_trace AS spans_before, claim.*
    FROM reports JOIN jsonb_to_recordset(%(document)s::jsonb) AS claim (
        place integer, report_id uuid, owner text, alone boolean, spans jsonb,
        traceparent text, tracestate text
    ) ON reports.id = claim.report_id
    WHERE reports.status = 'init'
        AND (reports.not_before IS NULL OR reports.not_before <= clock_timestamp())
        AND (claim.alone OR reports.losses < %(max_losses)s)
    ORDER BY reports.id
    FOR UPDATE OF reports
)
UPDATE reports SET
    status = 'processing',
    version = version + 1,
    updated_at = clock_timestamp(),
    attempt = attempt + 1,
    attempt_trace = coalesce(
        waiting.spans || jsonb_build_object('attempt', reports.attempt + 1), reports.attempt_trace
    ),
    lease_owner = waiting.owner,
    lease_expires_at = clock_timestamp() + %(lease)s,
    started_at = coalesce(reports.started_at, clock_timestamp()),
    traceparent = coalesce(reports.traceparent, waiting.traceparent),
    tracestate = coalesce(reports.tracestate, waiting.tracestate),
    not_before = NULL,
    enqueue_at = NULL,
    progress = NULL,
    failure = NULL
FROM waiting
WHERE reports.id = waiting.id
RETURNING waiting.place, waiting.spans_before, {columns}
"""

_HELD = """
WITH held AS (
    SELECT reports.id, attempt.*,
        -- A cancel that was accepted wins over whatever goes wrong after it.
        attempt.status <> 'done' AND reports.cancel_requested_at IS NOT NULL AS cancelled
    FROM reports JOIN jsonb_to_recordset(%(document)s::jsonb) AS attempt (
        place integer, report_id uuid, number integer, owner text,
        steps integer, progress jsonb,
        status text, failure jsonb, artefact jsonb, failures integer, interruptions integer, delay float
    ) ON reports.id = attempt.report_id
    WHERE reports.status = 'processing'
        AND reports.attempt = attempt.number
        AND reports.lease_owner = attempt.owner
        AND reports.lease_expires_at > clock_timestamp()
    ORDER BY reports.id
    FOR UPDATE OF reports
)
"""
"""The fence: this attempt, by this owner, within its lease."""

_RENEW = (
    _HELD
    + """
UPDATE reports SET lease_expires_at = clock_timestamp() + %(lease)s
FROM held WHERE reports.id = held.id
RETURNING held.place
"""
)

_STEPS = (
    _HELD
    + """
UPDATE reports SET
    version = version + held.steps,
    updated_at = clock_timestamp(),
    progress = held.progress
FROM held WHERE reports.id = held.id
RETURNING held.place, {columns}
"""
)

_END = (
    _HELD
    + """
UPDATE reports SET
    version = version + held.steps + 1,
    updated_at = clock_timestamp(),
    status = CASE WHEN held.cancelled THEN 'cancelled' ELSE held.status END,
    progress = CASE
        WHEN held.status = 'init' AND held.failure IS NULL AND NOT held.cancelled THEN NULL
        ELSE coalesce(held.progress, reports.progress)
    END,
    failure = CASE WHEN held.cancelled THEN NULL ELSE held.failure END,
    artefact = CASE WHEN held.cancelled THEN NULL ELSE held.artefact END,
    failures = reports.failures + CASE WHEN held.cancelled THEN 0 ELSE held.failures END,
    interruptions = reports.interruptions + CASE WHEN held.cancelled THEN 0 ELSE held.interruptions END,
    finished_at = CASE WHEN held.cancelled OR held.status <> 'init' THEN clock_timestamp() END,
    not_before = CASE
        WHEN NOT held.cancelled AND held.status = 'init'
        THEN clock_timestamp() + make_interval(secs => held.delay)
    END,
    enqueue_at = CASE
        WHEN NOT held.cancelled AND held.status = 'init'
        THEN clock_timestamp() + coalesce(make_interval(secs => held.delay), %(requeue_after)s)
    END,
    -- Of one that is done there is no attempt after it, which would link to these spans.
    attempt_trace = CASE WHEN held.status <> 'done' THEN reports.attempt_trace END,
    lease_owner = NULL,
    lease_expires_at = NULL
FROM held WHERE reports.id = held.id
RETURNING held.place, {columns}
"""
)


_COLUMNS = ", ".join(f"reports.{name}" for name in REPORT_COLUMNS)
_INSERT, _CLAIM, _STEPS, _END = (
    statement.replace("{columns}", _COLUMNS) for statement in (_INSERT, _CLAIM, _STEPS, _END)
)


def insert(connection: AnyConnection, document: Document, requeue_after: timedelta) -> dict[UUID, Report]:
    """Requested reports, by their ids: `id`, `kind`, `parameters`, `timeout_seconds` and the carrier of
    each."""
    reports = (_report(row) for row in _run(connection, _INSERT, document, requeue_after=requeue_after))
    return {report.id: report for report in reports}


def claim(
    connection: AnyConnection, document: Document, lease: timedelta, max_losses: int
) -> dict[int, Report]:
    """New attempts, with a lease of this length. What is returned has the spans of the attempt before.

    Of each: `report_id`, `owner`, `alone`, `spans`, which are stored, and the carrier, which a report without
    a trace gets from its first claim, so that its retries stay in it. Refused where the report does not wait
    for an attempt, or has `max_losses` already and is not to run `alone`.
    """
    found = _run(connection, _CLAIM, document, lease=lease, max_losses=max_losses)
    return {place: _report(row, attempt_trace=before) for place, before, *row in found}


def renew(connection: AnyConnection, document: Document, lease: timedelta) -> set[int]:
    """Heartbeats: no changes, so the versions stay. Of each the fence: `report_id`, `number`, `owner`."""
    return {place for (place,) in _run(connection, _RENEW, document, lease=lease)}


def steps(connection: AnyConnection, document: Document) -> dict[int, Report]:
    """Of each, with the fence: the `progress` after this number of `steps` that began or ended."""
    return {place: _report(row) for place, *row in _run(connection, _STEPS, document)}


def end(connection: AnyConnection, document: Document, requeue_after: timedelta) -> dict[int, Report]:
    """Of each, with the fence and the last steps: the `status`, with what is to be stored and counted; for
    `init` the `delay` until another attempt, None where it gets a command at once. Where the report is to be
    cancelled, it is, unless it is `done`."""
    found = _run(connection, _END, document, requeue_after=requeue_after)
    return {place: _report(row) for place, *row in found}


def _report(row: Sequence[Any], **instead: Any) -> Report:
    return report_from({**dict(zip(REPORT_COLUMNS, row, strict=True)), **instead})


def _run(
    connection: AnyConnection, statement: str, document: Document, **parameters: object
) -> Sequence[tuple[Any, ...]]:
    parameters["document"] = json.dumps(document)
    return rows(connection, statement, parameters)
