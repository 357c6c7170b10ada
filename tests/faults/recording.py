"""Fills in the history of one fault from the database, Kafka, the files and Jaeger."""

import hashlib
import json
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import IsolationLevel

from tests.faults.history import DeadLetter, Effect, Event, Pointer, Published, Row, Span
from tests.faults.rig import Rig
from tests.support.kafka import Topics
from tests.support.traces import Traces
from waybill.domain import TERMINAL
from waybill_client import JaegerClient

Fields = Mapping[str, Any]

_REPORTS = "SELECT * FROM reports WHERE parameters->>'fault' = %s ORDER BY id"
_EVENTS = """
SELECT e.* FROM report_events e JOIN reports r ON r.id = e.report_id WHERE r.parameters->>'fault' = %s
"""
_EFFECTS = """
SELECT e.* FROM effects e JOIN reports r ON r.id = e.report_id WHERE r.parameters->>'fault' = %s ORDER BY e.id
"""
_DEAD_LETTERS = """
SELECT id, reason, topic, partition, "offset", report_id FROM dead_letters
WHERE created_at >= to_timestamp(%s)
"""
_OPEN = "SELECT count(*) FROM reports WHERE parameters->>'fault' = %s AND status <> ALL (%s)"
_ENDED = "SELECT count(*) FROM reports WHERE parameters->>'fault' = %s AND status = ANY (%s)"
_TERMINAL = [str(status) for status in TERMINAL]


@dataclass(frozen=True)
class Records:
    """What the database holds of one fault's reports, as of one instant."""

    rows: tuple[Row, ...]
    events: tuple[Event, ...]
    effects: tuple[Effect, ...]


def records(rig: Rig, fault: str) -> Records:
    """Read in one transaction, so that reports which still run do not look torn."""
    with rig.database() as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        reports, events, effects = (
            connection.execute(statement, [fault]).fetchall() for statement in (_REPORTS, _EVENTS, _EFFECTS)
        )
    return Records(
        tuple(_row(one) for one in reports),
        tuple(_event(one) for one in events),
        tuple(_effect(one) for one in effects),
    )


def _row(row: Fields) -> Row:
    artefact = row["artefact"]
    return Row(
        report_id=str(row["id"]),
        request=row["parameters"]["request"],
        status=row["status"],
        version=row["version"],
        attempt=row["attempt"],
        artefact=Pointer(artefact["key"], artefact["sha256"]) if artefact else None,
        trace_id=row["traceparent"].split("-")[1] if row["traceparent"] else None,
        created_at=row["created_at"].timestamp(),
        finished_at=row["finished_at"].timestamp() if row["finished_at"] else None,
        failures=row["failures"],
        losses=row["losses"],
        interruptions=row["interruptions"],
    )


def _event(row: Fields) -> Event:
    return Event(
        report_id=str(row["report_id"]),
        version=row["version"],
        type=row["type"],
        status=row["data"]["status"],
        attempt=row["data"]["attempt"],
        at=row["at"].timestamp(),
        sha256=(row["data"].get("artefact") or {}).get("sha256"),
        failure=(row["data"].get("error") or {}).get("type"),
    )


def _effect(row: Fields) -> Effect:
    return Effect(
        report_id=str(row["report_id"]),
        attempt=row["attempt"],
        worker=row["worker"],
        finished_at=row["finished_at"].timestamp() if row["finished_at"] else None,
        started_at=row["started_at"].timestamp(),
    )


def dead_letters(rig: Rig, since: float) -> tuple[DeadLetter, ...]:
    """Those of a time. A message is named by its topic, partition and offset."""
    return tuple(
        DeadLetter(
            reason=row["reason"],
            source=f"{row['topic']}/{row['partition']}/{row['offset']}",
            report_id=str(row["report_id"]) if row["report_id"] else None,
            key=str(row["id"]),
        )
        for row in rig.rows(_DEAD_LETTERS, since)
    )


_OUTBOX = "SELECT report_id::text AS key FROM publications UNION ALL SELECT key FROM outbox"


def outbox(rig: Rig) -> tuple[str, ...]:
    """The keys of what waits."""
    return tuple(row["key"] for row in rig.rows(_OUTBOX))


def published(topics: Topics, ids: Collection[str]) -> dict[str, tuple[Published, ...]]:
    """All that was told of these reports, in the order of the topic; which is compacted, but not before a
    segment is full, at 1 GiB. A tombstone is for reports that were removed: none of these."""
    told: dict[str, list[Published]] = {}
    for record in topics.records("report-status"):
        key = (record.key or b"").decode()
        if key in ids and record.value is not None:
            fields = json.loads(record.value)
            told.setdefault(key, []).append(Published(fields["version"], fields["status"]))
    return {key: tuple(of_key) for key, of_key in told.items()}


def letters_on_topic(topics: Topics, letters: Collection[DeadLetter]) -> frozenset[str]:
    """The keys on the topic of dead letters; where there are no letters, it is not read."""
    if not letters:
        return frozenset()
    return frozenset((record.key or b"").decode() for record in topics.records("report-dead-letter"))


def files(folder: Path, keys: Iterable[str]) -> dict[str, str]:
    """The checksums of the files that are there."""
    return {
        key: hashlib.sha256((folder / key).read_bytes()).hexdigest()
        for key in keys
        if (folder / key).is_file()
    }


def trace(jaeger_url: str, trace_id: str) -> tuple[Span, ...]:
    """What has arrived of a trace."""
    with JaegerClient(jaeger_url) as jaeger:
        return tuple(
            Span(
                span_id=span.id,
                parent_id=span.parent_id,
                name=span.name,
                start=span.start / 1e9,
                queue_seconds=_milliseconds(span.attributes) / 1000,
            )
            for span in Traces(jaeger).now(trace_id).spans
        )


def _milliseconds(attributes: Mapping[str, Any]) -> float:
    return float(attributes.get("report.queue_time_ms", 0))


def count_open(rig: Rig, fault: str) -> int:
    """How many of the fault's reports have not ended."""
    return int(rig.rows(_OPEN, fault, _TERMINAL)[0]["count"])


def count_ended(rig: Rig, fault: str) -> int:
    return int(rig.rows(_ENDED, fault, _TERMINAL)[0]["count"])


def now() -> float:
    """The clock of the database, of the events and of this process is one: they are on one machine."""
    return time.time()
