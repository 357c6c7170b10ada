"""A trace as Jaeger's `/api/traces/{id}` tells it, as a tree of spans.

Times are whole microseconds since 1970, durations whole microseconds: as Jaeger has them, and exact.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

REQUEST_ROUTE = "POST /api/v1/reports"
HANDLE_REPORT = "handle_report"
"""The span whose children are a report's steps."""
SPINE = (REQUEST_ROUTE, "report_request", "report_producer", "report_consumer", HANDLE_REPORT)
"""The spans from the request to the steps, each the parent of the next."""
REUSED_FROM = "report.step.reused_from_attempt"
"""The attribute of a step's span that did not run: the attempt which has stored its result."""
QUEUE_TIME = "report.queue_time_ms"
"""The attribute of a consumer's span with the message's time in Kafka."""
_END_OF_TIME = 253_402_300_800_000_000
"""Microseconds: the year 10000."""
_MAX_DEPTH = 200


class SpanKind(StrEnum):
    """OpenTelemetry's span kinds, as Jaeger writes them."""

    SERVER = "server"
    CLIENT = "client"
    PRODUCER = "producer"
    CONSUMER = "consumer"
    INTERNAL = "internal"


@dataclass(frozen=True)
class Event:
    """Something that happened at one moment of a span."""

    name: str
    time: int
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Span:
    """One piece of work. `error` is None unless it failed; then it is what is known of the reason."""

    id: str
    parent_id: str | None
    name: str
    service: str
    kind: SpanKind
    start: int
    duration: int
    attributes: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    error: str | None = None

    @property
    def end(self) -> int:
        return self.start + self.duration

    @property
    def failed(self) -> bool:
        return self.error is not None

    @property
    def reused_from_attempt(self) -> int | None:
        """Of a step that did not run: the attempt that has stored its result."""
        try:
            return int(self.attributes[REUSED_FROM])
        except (KeyError, TypeError, ValueError, OverflowError):
            return None


@dataclass(frozen=True)
class QueueTime:
    """The time that a message spent in Kafka before `consumer`.

    `duration` is what the consumer recorded, where it did, else the gap. `start` and `end` lie between the
    producer's span and the consumer's; when clocks disagree, they end with the consumer's start.
    """

    consumer: Span
    start: int
    end: int
    duration: int
    recorded: bool


@dataclass(frozen=True)
class Node:
    """A span, the spans below it in the order they began, and the time in Kafka before it, if it consumes."""

    span: Span
    children: tuple["Node", ...]
    queue_time: QueueTime | None = None

    @property
    def failing_below(self) -> tuple[Span, ...]:
        """The spans below it that failed."""
        return tuple(node.span for child in self.children for node in child.walk() if node.span.failed)

    @property
    def fails_first(self) -> bool:
        """It failed, and nothing below it did: here is where to look."""
        return self.span.failed and not self.failing_below

    def walk(self) -> Iterator["Node"]:
        """This node and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True)
class Shares:
    """What part of a trace's time passed where, each from 0 to 1. They overlap, so they need not add up to 1;
    `other` is the time in none of them."""

    http: float
    kafka: float
    steps: float
    other: float


@dataclass(frozen=True)
class Trace:
    """All that has arrived of one trace; it has at least one span. No span occurs twice."""

    id: str
    spans: tuple[Span, ...]

    @cached_property
    def start(self) -> int:
        """Of the first span, or of the message's time in Kafka when no span is before it."""
        return min([span.start for span in self.spans] + [time.start for time in self.queue_times])

    @cached_property
    def end(self) -> int:
        return max(span.end for span in self.spans)

    @property
    def duration(self) -> int:
        return self.end - self.start

    @cached_property
    def services(self) -> tuple[str, ...]:
        """In the order in which they first appear."""
        return tuple(dict.fromkeys(span.service for span in sorted(self.spans, key=_order)))

    @cached_property
    def roots(self) -> tuple[Node, ...]:
        """The spans that never had a parent: one, in a whole trace."""
        return tuple(self._node(span) for span in sorted(self.spans, key=_order) if span.parent_id is None)

    @cached_property
    def orphans(self) -> tuple[Span, ...]:
        """The spans whose parent has not arrived."""
        return tuple(
            span
            for span in sorted(self.spans, key=_order)
            if span.parent_id and span.parent_id not in self._by_id
        )

    @cached_property
    def orphan_nodes(self) -> tuple[Node, ...]:
        return tuple(self._node(span) for span in self.orphans)

    @cached_property
    def queue_times(self) -> tuple[QueueTime, ...]:
        nodes = (node for root in (*self.roots, *self.orphan_nodes) for node in root.walk())
        return tuple(node.queue_time for node in nodes if node.queue_time)

    @cached_property
    def steps(self) -> tuple[Span, ...]:
        """The steps of every attempt, in the order they began.

        While an attempt runs, its `handle_report` has not arrived: then they are orphans with nothing below.
        """
        handling = {span.id for span in self.spans if span.name == HANDLE_REPORT}
        running = {
            span.parent_id
            for span in self.orphans
            if span.kind is SpanKind.INTERNAL and span.id not in self._children
        }
        parents = handling | running
        return tuple(span for span in sorted(self.spans, key=_order) if span.parent_id in parents)

    @cached_property
    def shares(self) -> Shares:
        http = [(span.start, span.end) for span in self.spans if span.kind is SpanKind.SERVER]
        kafka = [(time.start, time.end) for time in self.queue_times]
        kafka += [(span.start, span.end) for span in self.spans if span.kind is SpanKind.PRODUCER]
        steps = [(span.start, span.end) for span in self.steps]
        total = self.duration or 1
        return Shares(
            http=_covered(http) / total,
            kafka=_covered(kafka) / total,
            steps=_covered(steps) / total,
            other=1 - _covered([*http, *kafka, *steps]) / total,
        )

    @cached_property
    def _by_id(self) -> Mapping[str, Span]:
        return {span.id: span for span in self.spans}

    @cached_property
    def _children(self) -> Mapping[str | None, list[Span]]:
        children: defaultdict[str | None, list[Span]] = defaultdict(list)
        for span in sorted(self.spans, key=_order):
            children[span.parent_id].append(span)
        return children

    def _node(self, span: Span) -> Node:
        children = tuple(self._node(child) for child in self._children.get(span.id, ()))
        return Node(span, children, _queue_time(span, self._by_id.get(span.parent_id or "")))


def read_trace(answer: Mapping[str, Any]) -> Trace | None:
    """A trace from Jaeger's JSON; None when there is nothing of it.

    Raises `KeyError`, `TypeError`, `ValueError` or `OverflowError` when `answer` is something else.
    """
    spans: dict[str, Span] = {}
    trace_id = ""
    for data in answer["data"] or ():
        trace_id = _text(data["traceID"])
        processes = data["processes"]
        services = {key: _text(processes[key]["serviceName"]) for key in processes}
        # a span can have been stored twice, when its sender repeated itself
        spans |= {_text(span["spanID"]): _read_span(span, services) for span in data["spans"] or ()}
    _check_depth(spans)
    return Trace(trace_id, tuple(spans.values())) if spans else None


def _read_span(span: Mapping[str, Any], services: Mapping[str, str]) -> Span:
    attributes = _attributes(span["tags"])
    events = tuple(_read_event(log) for log in span["logs"] or ())
    return Span(
        id=_text(span["spanID"]),
        parent_id=_parent(span),
        name=_text(span["operationName"]),
        service=services[span["processID"]],
        kind=SpanKind(attributes.get("span.kind", SpanKind.INTERNAL)),
        start=_microseconds(span["startTime"]),
        duration=_microseconds(span["duration"]),
        attributes=attributes,
        events=events,
        error=_error(attributes, events),
    )


def _attributes(fields: Iterable[Mapping[str, Any]] | None) -> dict[str, Any]:
    return {_text(field["key"]): field["value"] for field in fields or ()}


def _read_event(log: Mapping[str, Any]) -> Event:
    attributes = _attributes(log["fields"])
    return Event(str(attributes.pop("event", "")), _microseconds(log["timestamp"]), attributes)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.100} is no text")
    return value


def _microseconds(value: Any) -> int:
    """Of which a date can be made."""
    if not 0 <= float(value) < _END_OF_TIME:
        raise ValueError(f"{value!r:.100} is no time")
    return int(value)


def _check_depth(spans: Mapping[str, Span]) -> None:
    """Below each other, or in a circle: what reads a trace goes down it."""
    depths: dict[str | None, int] = {}
    for span in spans.values():
        path: list[str] = []
        at: Span | None = span
        while at is not None and at.id not in depths and len(path) <= _MAX_DEPTH:
            path.append(at.id)
            at = spans.get(at.parent_id or "")
        depth = depths[at.id] if at is not None and at.id in depths else 0
        depths |= {name: depth + place for place, name in enumerate(reversed(path), 1)}
        if depths[span.id] > _MAX_DEPTH:
            raise ValueError(f"its spans are nested more than {_MAX_DEPTH} deep, or in a circle")


def _parent(span: Mapping[str, Any]) -> str | None:
    """Jaeger folds a parent and a link to the same span into one reference, and calls it FOLLOWS_FROM unless
    the link says otherwise, as ours do."""
    references = [
        reference
        for reference in span["references"] or ()
        if reference["traceID"] == span["traceID"] and reference["spanID"] != span["spanID"]
    ]
    references.sort(key=lambda reference: reference["refType"] != "CHILD_OF")
    return _text(references[0]["spanID"]) if references else None


def _error(attributes: Mapping[str, Any], events: Iterable[Event]) -> str | None:
    if attributes.get("otel.status_code") != "ERROR" and attributes.get("error") is not True:
        return None
    exceptions = [
        ": ".join(
            str(event.attributes[key])
            for key in ("exception.type", "exception.message")
            if key in event.attributes
        )
        for event in events
        if event.name == "exception"
    ]
    reasons = (attributes.get("otel.status_description"), *exceptions, attributes.get("error.type"))
    return next((str(reason) for reason in reasons if reason), "failed")


def _queue_time(span: Span, parent: Span | None) -> QueueTime | None:
    """The time in Kafka before `span`, if it consumed a message and anything tells how long that was."""
    if span.kind is not SpanKind.CONSUMER:
        return None
    recorded = _milliseconds(span.attributes.get(QUEUE_TIME))
    produced = parent.end if parent and parent.kind is SpanKind.PRODUCER else None
    gap = max(0, span.start - produced) if produced is not None else 0
    if recorded is None and gap == 0:
        return None
    duration = round(recorded * 1000) if recorded is not None else gap
    start = span.start - duration
    if produced is not None and produced < span.start:
        start = max(start, produced)
    return QueueTime(span, start, span.start, duration, recorded is not None)


def _milliseconds(recorded: Any) -> float | None:
    """None for what is no length of time."""
    try:
        time = float(recorded)
    except (TypeError, ValueError, OverflowError):
        return None
    return time if 0 <= time * 1000 < _END_OF_TIME else None


def _order(span: Span) -> tuple[int, int]:
    """By start; of two that begin at once, the longer first, for it may hold the other."""
    return span.start, -span.duration


def _covered(intervals: Iterable[tuple[int, int]]) -> int:
    """How much time the intervals cover together, where they overlap only once."""
    covered, reached = 0, 0
    for start, end in sorted(intervals):
        covered += max(0, end - max(start, reached))
        reached = max(reached, end)
    return covered
