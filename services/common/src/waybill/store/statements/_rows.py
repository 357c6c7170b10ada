"""Rows to the domain's objects and back."""

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, func, literal

from waybill.domain import AttemptTrace, Carrier, Failure, Origin, Progress, Report, Status, StoredArtefact


def from_now(duration: timedelta) -> ColumnElement[Any]:
    """The database's time after `duration`."""
    return func.clock_timestamp() + literal(duration)


def ago(duration: timedelta) -> ColumnElement[Any]:
    """The database's time before `duration`."""
    return func.clock_timestamp() - literal(duration)


def carrier_of(row: Row[Any]) -> Carrier | None:
    return Carrier(row.traceparent, row.tracestate) if row.traceparent else None


def carrier_columns(carrier: Carrier | None) -> dict[str, str | None]:
    return {
        "traceparent": carrier.traceparent if carrier else None,
        "tracestate": carrier.tracestate if carrier else None,
    }


def report_of(row: Row[Any]) -> Report:
    return Report(
        id=row.id,
        kind=row.kind,
        parameters=row.parameters,
        status=Status(row.status),
        version=row.version,
        attempt=row.attempt,
        progress=Progress(**row.progress) if row.progress else None,
        failure=Failure(**row.failure) if row.failure else None,
        artefact=StoredArtefact(**row.artefact) if row.artefact else None,
        carrier=carrier_of(row),
        created_at=row.created_at,
        updated_at=row.updated_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        not_before=row.not_before,
        failures=row.failures,
        losses=row.losses,
        interruptions=row.interruptions,
        cancel_requested=row.cancel_requested_at is not None,
        timeout=None if row.timeout_seconds is None else timedelta(seconds=row.timeout_seconds),
        attempt_trace=_attempt_trace(row.attempt_trace),
    )


def _attempt_trace(stored: dict[str, Any] | None) -> AttemptTrace | None:
    if stored is None:
        return None
    parent = stored["parent"]
    return AttemptTrace(
        origin=Origin(**stored["origin"]),
        parent=Carrier(**parent) if parent else None,
        report_consumer=Carrier(**stored["report_consumer"]),
        report_consumer_start=stored["report_consumer_start"],
        queue_time_ms=stored.get("queue_time_ms", 0),
        handle_report=Carrier(**stored["handle_report"]),
        handle_report_start=stored["handle_report_start"],
        attempt=stored.get("attempt"),
        client_id=stored.get("client_id", ""),
        group=stored.get("group", ""),
        bootstrap_servers=stored.get("bootstrap_servers", ""),
    )
