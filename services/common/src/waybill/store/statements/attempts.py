"""Statements on `reports` that run for many reports at once: requests, claims, and what attempts write.

Each gets one JSON document with an object for each report, and returns a function, which waits for the rows
that it has changed, by their place in the document; a row that is missing was refused. Rows are locked in the
order of their ids, so that no two of these statements wait for each other; and locked by their ids alone, so
that no plan reads an index of all that waits, or runs, to find them.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from waybill.domain import Reached, Report
from waybill.store.direct import AnyConnection, Result, send
from waybill.store.statements import kept_bytes
from waybill.store.statements._rows import REPORT_COLUMNS, report_from
from waybill.store.statements._waiting import LIMITED, closed, paused
from waybill.store.statements.admission import ADMITTED, NONE_IS_LIMITED, Limiting, reached
from waybill.store.statements.dispatch import (
    HAD_COMMAND,
    NONE_WAITS,
    REFILLED,
    ROOM,
    Dispatched,
    dispatched,
)
from waybill.store.tables import FOR_KIND_UNTIL

Document = Sequence[Mapping[str, Any]]

_NEW = f"""
WITH {ROOM}, new AS (
    SELECT *, clock_timestamp() AS now FROM jsonb_to_recordset(%(document)s::jsonb) AS new (
        place integer, id uuid, tenant text, owner text, priority smallint, kind text, parameters jsonb,
        timeout_seconds float, traceparent text, tracestate text,
        definition text, outputs text[], tags text[], rerun_of uuid, webhook text
    )
)
"""  # noqa: S608 - ours
# One that has to wait waits since its request: see `AWAITS`.
_PUT = f"""
INSERT INTO reports (
    id, tenant, owner, priority, kind, parameters, timeout_seconds, traceparent, tracestate,
    definition, outputs, tags, rerun_of, webhook, created_at, updated_at, enqueue_at, not_before
)
SELECT id, tenant, owner, priority, kind, parameters, timeout_seconds, traceparent, tracestate,
    definition, outputs, tags, rerun_of, webhook, now, now,
    CASE
        WHEN {closed("requested.kind")} THEN {FOR_KIND_UNTIL}
        WHEN place < free AND {NONE_WAITS} AND NOT {LIMITED} THEN now + %(requeue_after)s
        ELSE now
    END,
    CASE WHEN {closed("requested.kind")} THEN {FOR_KIND_UNTIL} END
FROM {{new}} AS requested, room WHERE {{condition}}
RETURNING {HAD_COMMAND}, {LIMITED} AS takes_turns, {{columns}}
"""  # noqa: S608 - ours
_INSERT = f"{_NEW} {_PUT}".replace("{new}", "new").replace("{condition}", NONE_IS_LIMITED)
_INSERT_ADMITTED = f"""
{_NEW}, {ADMITTED}, inserted AS ({_PUT.replace("{new}", "admitted").replace("{condition}", "true")})
SELECT refused.refused, refused.none_is_limited, inserted.* FROM refused LEFT JOIN inserted ON true
"""  # noqa: S608 - ours

_AMONG_THEM = """reports.id = ANY (ARRAY(
    SELECT (one ->> 'report_id')::uuid FROM jsonb_array_elements(%(document)s::jsonb) AS one
))"""
"""Beside the join's condition, here and below: so any plan finds the rows by their ids, in whichever order it
joins, and never reads an index from its beginning to its end, even while that looks short."""

_CLAIM = f"""
WITH RECURSIVE locked AS (
    SELECT reports.id, status, kind, not_before, losses, enqueue_at, {HAD_COMMAND},
        reports.attempt_trace AS spans_before, claim.*
    FROM reports JOIN jsonb_to_recordset(%(document)s::jsonb) AS claim (
        place integer, report_id uuid, owner text, alone boolean, spans jsonb,
        traceparent text, tracestate text
    ) ON reports.id = claim.report_id
    WHERE {_AMONG_THEM}
    ORDER BY reports.id
    FOR UPDATE OF reports
), waiting AS (
    SELECT * FROM locked
    WHERE status = 'init'
        AND (not_before IS NULL OR not_before <= clock_timestamp())
        AND (alone OR losses < %(max_losses)s)
        AND (had_command OR NOT {LIMITED})
        AND NOT {paused("locked.kind")}
), claimed AS (
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
    WHERE reports.id = waiting.id AND reports.id = ANY (ARRAY(SELECT id FROM waiting))
    RETURNING waiting.had_command, waiting.place, waiting.spans_before,
        -- of a first attempt it is not looked for
        CASE WHEN reports.attempt > 1 THEN EXISTS (
            SELECT FROM step_results AS kept WHERE kept.report_id = reports.id
        ) ELSE false END AS has_step_results,
        CASE WHEN waiting.had_command THEN waiting.enqueue_at - %(requeue_after)s END AS commanded_at,
        {{columns}}
), {REFILLED}
SELECT refilled.sent, {LIMITED}, claimed.* FROM claimed, refilled
"""  # noqa: S608 - ours

_HELD = f"""
WITH locked AS (
    SELECT reports.id, reports.status AS status_before, reports.attempt, reports.lease_owner,
        reports.lease_expires_at, reports.cancel_requested_at, new.*
    FROM reports JOIN jsonb_to_recordset(%(document)s::jsonb) AS new (
        place integer, report_id uuid, number integer, owner text,
        steps integer, progress jsonb,
        status text, failure jsonb, artefact jsonb, artefacts jsonb,
        failures integer, interruptions integer, delay float
    ) ON reports.id = new.report_id
    WHERE {_AMONG_THEM}
    ORDER BY reports.id
    FOR UPDATE OF reports
), held AS (
    SELECT *,
        -- A cancel that was accepted wins over whatever goes wrong after it.
        status <> 'done' AND cancel_requested_at IS NOT NULL AS cancelled,
        clock_timestamp() + make_interval(secs => delay) AS retry_at
    FROM locked
    WHERE status_before = 'processing'
        AND attempt = number
        AND lease_owner = owner
        AND lease_expires_at > clock_timestamp()
)
"""  # noqa: S608 - ours
"""The fence: this attempt, by this owner, within its lease."""

_RENEW = (
    _HELD  # noqa: S608 - ours
    + """
UPDATE reports SET lease_expires_at = clock_timestamp() + %(lease)s
FROM held WHERE reports.id = held.id AND reports.id = ANY (ARRAY(SELECT id FROM held))
RETURNING held.place
"""
)

_STEPS = (
    _HELD  # noqa: S608 - ours
    + """
UPDATE reports SET
    version = version + held.steps,
    updated_at = clock_timestamp(),
    progress = held.progress
FROM held WHERE reports.id = held.id AND reports.id = ANY (ARRAY(SELECT id FROM held))
RETURNING held.place, {columns}
"""
)

_END = (
    _HELD  # noqa: S608 - ours
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
    artefacts = CASE WHEN held.cancelled THEN NULL ELSE held.artefacts END,
    failures = reports.failures + CASE WHEN held.cancelled THEN 0 ELSE held.failures END,
    interruptions = reports.interruptions + CASE WHEN held.cancelled THEN 0 ELSE held.interruptions END,
    finished_at = CASE WHEN held.cancelled OR held.status <> 'init' THEN clock_timestamp() END,
    not_before = CASE
        WHEN NOT held.cancelled AND held.status = 'init'
        THEN held.retry_at
    END,
    enqueue_at = CASE
        WHEN NOT held.cancelled AND held.status = 'init'
        THEN coalesce(held.retry_at, clock_timestamp() + %(requeue_after)s)
    END,
    -- Of one that is done there is no attempt after it, which would link to these spans.
    attempt_trace = CASE WHEN held.status <> 'done' THEN reports.attempt_trace END,
    lease_owner = NULL,
    lease_expires_at = NULL
FROM held WHERE reports.id = held.id AND reports.id = ANY (ARRAY(SELECT id FROM held))
RETURNING {limited}, EXISTS (SELECT FROM limits WHERE max_kept_bytes IS NOT NULL), held.place, {columns}
"""
).replace("{limited}", LIMITED)


_COLUMNS = ", ".join(f"reports.{name}" for name in REPORT_COLUMNS)
_INSERT, _INSERT_ADMITTED, _CLAIM, _STEPS, _END = (
    statement.replace("{columns}", _COLUMNS)
    for statement in (_INSERT, _INSERT_ADMITTED, _CLAIM, _STEPS, _END)
)


@dataclass(frozen=True)
class Inserted:
    """A requested report, and whether it gets a command at once."""

    report: Report
    has_command: bool
    takes_turns: bool
    """Here and below: whether turns are to be taken, by which reports get commands."""


@dataclass(frozen=True)
class Claimed:
    """The claimed reports, by their places, and others that get a command in their room."""

    reports: Mapping[int, Report]
    dispatched: Sequence[Dispatched]
    takes_turns: bool
    commanded_at: Mapping[int, datetime] = field(default_factory=dict)
    """When they had got their commands, where that is known."""


@dataclass(frozen=True)
class Ended:
    """The reports whose attempts have ended, by their places."""

    reports: Mapping[int, Report]
    takes_turns: bool


def insert(
    connection: AnyConnection, document: Document, requeue_after: timedelta, limiting: Limiting
) -> Callable[[], dict[UUID, Inserted | Reached]]:
    """Requested reports, by their ids: `place`, from 0, `id`, `kind`, `parameters`, `timeout_seconds` and the
    carrier of each. While others wait for room, or where there is none, they wait behind them; those of a
    kind that is closed wait for their kind. Of those for which a limit leaves no room nothing is stored.

    The statement that checks limits costs more, and is not sent where there are none. One that comes after
    the first limit of all was set finds that out, stores nothing, and is sent again in this form.
    """

    known = limiting.is_known
    found = _send(connection, _INSERT_ADMITTED if known else _INSERT, document, requeue_after=requeue_after)

    def inserted() -> dict[UUID, Inserted | Reached]:
        rows = found()
        if not known and (rows or not document):
            return _inserted(rows)
        if not known:
            rows = _send(connection, _INSERT_ADMITTED, document, requeue_after=requeue_after)()
        return _admitted(rows, limiting)

    return inserted


def _admitted(rows: Result, limiting: Limiting) -> dict[UUID, Inserted | Reached]:
    if not rows:
        return {}
    refused, limiting.is_known = rows[0][0], not rows[0][1]
    return {**reached(refused), **_inserted([row[2:] for row in rows if row[2] is not None])}


def _inserted(rows: Result) -> dict[UUID, Inserted | Reached]:
    reports = (Inserted(_report(row), has_command, takes_turns) for has_command, takes_turns, *row in rows)
    return {one.report.id: one for one in reports}


def claim(
    connection: AnyConnection,
    document: Document,
    lease: timedelta,
    max_losses: int,
    requeue_after: timedelta,
) -> Callable[[], Claimed]:
    """New attempts, with a lease of this length. What is returned has the spans of the attempt before.

    Of each: `report_id`, `owner`, `alone`, `spans`, which are stored, and the carrier, which a report without
    a trace gets from its first claim, so that its retries stay in it. Refused where the report does not wait
    for an attempt, or has `max_losses` already and is not to run `alone`; where its kind is paused; and where
    turns decide, but have not given it a command.
    """
    found = _send(
        connection, _CLAIM, document, lease=lease, max_losses=max_losses, requeue_after=requeue_after
    )

    def claimed() -> Claimed:
        rows = found()
        if not rows:
            return Claimed({}, [], takes_turns=False)
        sent, takes_turns = rows[0][:2]
        reports = {
            place: _report(row, attempt_trace=before, has_step_results=has_results)
            for _, _, _, place, before, has_results, _, *row in rows
        }
        commanded_at = {row[3]: row[6] for row in rows if row[6] is not None}
        return Claimed(reports, dispatched(sent), takes_turns, commanded_at)

    return claimed


def renew(connection: AnyConnection, document: Document, lease: timedelta) -> Callable[[], set[int]]:
    """Heartbeats: no changes, so the versions stay. Of each the fence: `report_id`, `number`, `owner`."""
    found = _send(connection, _RENEW, document, lease=lease)
    return lambda: {place for (place,) in found()}


def steps(connection: AnyConnection, document: Document) -> Callable[[], dict[int, Report]]:
    """Of each, with the fence: the `progress` after this number of `steps` that began or ended."""
    found = _send(connection, _STEPS, document)
    return lambda: {place: _report(row) for place, *row in found()}


def end(connection: AnyConnection, document: Document, requeue_after: timedelta) -> Callable[[], Ended]:
    """Of each, with the fence and the last steps: the `status`, with what is to be stored and counted; for
    `init` the `delay` until another attempt, None where it gets a command at once. Where the report is to be
    cancelled, it is, unless it is `done`. Its files count where a limit of kept bytes has them counted."""
    found = _send(connection, _END, document, requeue_after=requeue_after)

    def ended() -> Ended:
        rows = found()
        reports = {place: _report(row) for _, _, place, *row in rows}
        if rows and rows[0][1]:
            kept_bytes.add(connection, reports.values())
        return Ended(reports, bool(rows) and rows[0][0])

    return ended


def _report(row: Sequence[Any], **instead: Any) -> Report:
    return report_from({**dict(zip(REPORT_COLUMNS, row, strict=True)), **instead})


def _send(
    connection: AnyConnection, statement: str, document: Document, **parameters: object
) -> Callable[[], Result]:
    """Of nothing there is nothing to send."""
    if not document:
        return list
    parameters["document"] = json.dumps(document)
    return send(connection, statement, parameters)
