"""Rows to the domain's objects and back."""

from collections.abc import Callable, Mapping
from dataclasses import fields
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
    """Each field of `Report` is the column of its name, but for those that `_CONVERTED` names."""
    columns = row._mapping
    plain = {name: columns[name] for name in _PLAIN}
    return Report(**plain, **{name: convert(row) for name, convert in _CONVERTED.items()})


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


_CONVERTED: Mapping[str, Callable[[Row[Any]], Any]] = {
    "status": lambda row: Status(row.status),
    "progress": lambda row: Progress(**row.progress) if row.progress else None,
    "failure": lambda row: Failure(**row.failure) if row.failure else None,
    "artefact": lambda row: StoredArtefact(**row.artefact) if row.artefact else None,
    "carrier": carrier_of,
    "cancel_requested": lambda row: row.cancel_requested_at is not None,
    "timeout": lambda row: None if row.timeout_seconds is None else timedelta(seconds=row.timeout_seconds),
    "attempt_trace": lambda row: _attempt_trace(row.attempt_trace),
}
_PLAIN = tuple(field.name for field in fields(Report) if field.name not in _CONVERTED)
