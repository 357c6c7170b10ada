"""One tree of a report's spans, of those that the database has and those that Jaeger has."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from producer_api.waterfall import KnownSpans, NoSpans, SpanResource, SpanStatus
from producer_api.waterfall.model import IN_KAFKA, LOST, REPORT, RETRY, SLOT, UNPUBLISHED, WAIT
from waybill.telemetry import names


class What(StrEnum):
    """What a bar is; also its class in the stylesheet."""

    REPORT = "report"
    WAIT = "wait"
    OUTBOX = "outbox"
    KAFKA = "kafka"
    SLOT = "slot"
    RETRY = "retry"
    ATTEMPT = "attempt"
    BEGINNING = "beginning"
    STEP = "step"
    CALL = "call"
    HTTP = "http"


WAITS: Final = {WAIT: What.WAIT, UNPUBLISHED: What.OUTBOX, IN_KAFKA: What.KAFKA, SLOT: What.SLOT}
_TITLES: Final = {
    WAIT: "Waiting",
    UNPUBLISHED: "Waiting in the outbox",
    IN_KAFKA: "In Kafka",
    SLOT: "Waiting for a slot",
    RETRY: "Waiting for a retry",
    REPORT: "Report",
    names.REPORT_PRODUCER: "Sending to Kafka",
    names.REPORT_CONSUMER: "Receiving from Kafka",
}
_BEGINNING: Final = "Before the first step"
_NOTICED: Final = 50.0
"""Milliseconds: a shorter time before the first step is not shown."""


@dataclass
class Node:
    """A span, in milliseconds since the first; `end` is now where it still runs. `silent_from`: since when
    its worker gave no sign any more."""

    span: SpanResource
    title: str
    what: What
    start: float
    end: float
    children: list["Node"] = field(default_factory=list)
    critical: bool = False
    silent_from: float | None = None

    @property
    def took(self) -> float:
        return self.end - self.start

    @property
    def is_lost(self) -> bool:
        return self.span.error == LOST


def tree_of(known: KnownSpans, now: datetime) -> Node:
    """The report, with all below it in the order of the starts.

    The database's waits and attempts are always there, with its times. Of a trace, what belongs to an attempt
    is below it, and a step has Jaeger's times; a step that Jaeger has not got is the database's. What goes on
    after its parent has ended, such as sending to Kafka after the request was answered, is the report's own
    child.
    """
    stored = {span.id: span for span in known.stored}
    root = next(span for span in known.stored if span.parent is None)
    spans = [*known.stored, *([] if isinstance(known.traced, NoSpans) else known.traced)]
    origin = min(span.start for span in spans)
    nodes = {span.id: _node(span, origin, now) for span in spans}
    own = [nodes[one] for one in stored]
    parents = {span.id: span.parent or root.id for span in spans if span is not root}
    if not isinstance(known.traced, NoSpans):
        _join(nodes, parents, own, known.traced)
    _raise_parts(nodes, parents, own, root.id)
    _raise_late(nodes, parents, root.id)
    for one, parent in parents.items():
        if one in nodes and parent in nodes:
            nodes[parent].children.append(nodes[one])
    for node in nodes.values():
        node.children.sort(key=lambda child: (child.start, child.end))
        for child in node.children:
            if node.what is What.ATTEMPT and child.what is What.CALL:
                child.what = What.STEP
            if child.is_lost and node.silent_from is not None:
                child.silent_from = min(max(node.silent_from, child.start), child.end)
        if node.what is What.ATTEMPT:
            _show_beginning(node)
    top = nodes[root.id]
    top.start = 0.0
    return top


def walk(node: Node) -> Iterator[Node]:
    """It, and all below it."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += reversed(one.children)


def _node(span: SpanResource, origin: datetime, now: datetime) -> Node:
    start = (span.start - origin).total_seconds() * 1000
    took = span.duration_ms
    end = (now - origin).total_seconds() * 1000 if took is None else start + took
    node = Node(span, _TITLES.get(span.name, span.name), _what(span), start, max(start, end))
    if node.what is What.ATTEMPT:
        node.title = f"Attempt {span.attributes.get(names.REPORT_ATTEMPT, '')}".rstrip()
    last_sign = span.attributes.get(names.LAST_SIGN)
    if isinstance(last_sign, str):
        sign = (datetime.fromisoformat(last_sign) - origin).total_seconds() * 1000
        node.silent_from = min(max(sign, node.start), node.end)
    return node


def _show_beginning(attempt: Node) -> None:
    """Of an attempt whose steps begin late, or are still to begin: its process starts, and its kind's own
    code runs, which no span says."""
    if not (attempt.children or attempt.span.running):
        return
    end = attempt.children[0].start if attempt.children else attempt.end
    if end - attempt.start < _NOTICED:
        return
    update: dict[str, Any] = {
        "id": f"{attempt.span.id}-beginning",
        "parent": attempt.span.id,
        "name": _BEGINNING,
        "duration_ms": end - attempt.start if attempt.children else None,
        "running": not attempt.children,
        "status": SpanStatus.OK,
        "error": None,
        "attributes": {},
    }
    span = attempt.span.model_copy(update=update)
    attempt.children.insert(0, Node(span, _BEGINNING, What.BEGINNING, attempt.start, end))


def _what(span: SpanResource) -> What:
    if span.name == names.HANDLE_REPORT:
        return What.ATTEMPT
    if span.name == RETRY:
        return What.RETRY
    if span.name == REPORT and span.parent is None:
        return What.REPORT
    if span.name in WAITS:
        return WAITS[span.name]
    return What.HTTP if span.kind == "server" else What.CALL


def _join(
    nodes: dict[str, Node], parents: dict[str, str], own: Sequence[Node], traced: Iterable[SpanResource]
) -> None:
    """Puts what Jaeger has of an attempt below that of the database, and its step in place of the stored."""
    attempts = {node.span.attributes.get(names.REPORT_ATTEMPT): node for node in own if _is_attempt(node)}
    steps = {(parents[node.span.id], node.span.name): node for node in own if node.what is What.CALL}
    instead: dict[str, str] = {}
    for span in traced:
        attempt = attempts.get(span.attributes.get(names.REPORT_ATTEMPT)) if _is_attempt_span(span) else None
        if attempt is not None:
            for one in (span.id, parents[span.id]):
                if one == span.id or (one in nodes and nodes[one].span.name == names.REPORT_CONSUMER):
                    instead[one] = attempt.span.id
                    _refine(attempt, nodes.pop(one))
    for span in traced:
        if span.id not in nodes:
            continue
        parents[span.id] = instead.get(parents[span.id], parents[span.id])
        known = steps.get((parents[span.id], span.name))
        if known is not None:
            # of one that was lost, the database knows the end
            nodes.pop(span.id if known.is_lost else known.span.id, None)


def _refine(attempt: Node, traced: Node) -> None:
    """Its times stay: they begin where its wait ends, with the claim."""
    attempt.span.attributes = {**traced.span.attributes, **attempt.span.attributes}


def _raise_parts(nodes: dict[str, Node], parents: dict[str, str], own: Sequence[Node], root: str) -> None:
    """Of a wait whose parts are known, these are shown; of one for a retry, both."""
    for node in own:
        wait = nodes.get(parents.get(node.span.id, ""))
        if wait is None or wait.what not in (What.WAIT, What.RETRY):
            continue
        parents[node.span.id] = root
        if wait.what is What.RETRY:
            wait.end = min(wait.end, node.start)
        else:
            wait.end = wait.start
    for node in own:
        if node.what is What.WAIT and not node.span.running and node.end == node.start:
            nodes.pop(node.span.id, None)


def _raise_late(nodes: dict[str, Node], parents: dict[str, str], root: str) -> None:
    for one, node in nodes.items():
        parent = nodes.get(parents.get(one, ""))
        if one != root and (parent is None or (parent.span.id != root and node.start > parent.end)):
            parents[one] = root


def _is_attempt(node: Node) -> bool:
    return node.what is What.ATTEMPT


def _is_attempt_span(span: SpanResource) -> bool:
    return span.name == names.HANDLE_REPORT
