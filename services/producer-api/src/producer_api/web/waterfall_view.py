"""What a waterfall shows: rows on an axis, and where the time went in all."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from producer_api.waterfall import KnownSpans, NoSpans, SpanStatus
from producer_api.web.waterfall_axis import Axis, axis_of
from producer_api.web.waterfall_path import mark_critical_path
from producer_api.web.waterfall_tree import Node, What, tree_of, walk
from producer_api.web.words import in_words
from waybill.telemetry import names

_FOLDED_FROM: Final = 13
_SHOWN_OF_FOLDED: Final = 30
_MUCH_LONGER: Final = 3.0
_NOTICED_MS: Final = 100.0
"""What takes less is not compared with its usual time."""
_NARROWEST: Final = 0.2
_MOST_ZOOMED: Final = 0.5
"""Of the axis: an attempt that has more of it is not shown alone."""

WORDS: Final = {
    What.HTTP: "HTTP request",
    What.OUTBOX: "waiting in the outbox",
    What.KAFKA: "in Kafka",
    What.SLOT: "waiting for a slot",
    What.WAIT: "waiting",
    What.RETRY: "waiting for a retry",
    What.ATTEMPT: "work",
    What.BEGINNING: "before the first step: its process starts",
    What.STEP: "step",
    What.CALL: "call",
}
_MEANINGS: Final = {
    What.OUTBOX: "The report is stored; its command to the workers waits to be sent to Kafka.",
    What.KAFKA: "Its command to the workers is in Kafka, and no worker has read it yet.",
    What.SLOT: "Each slot of a worker makes one report at a time: the report waits for its turn.",
    What.RETRY: "An attempt has failed, or was lost: the time until the next one, longer after each failure.",
}
_LOST: Final = "lost"


@dataclass(frozen=True)
class Bar:
    """In percent of the axis, 0 wide where it is not on it; `grows_from` in milliseconds since the axis'
    start, of what still runs."""

    x: float
    width: float
    grows_from: float | None = None


@dataclass(frozen=True)
class Row:
    """`silent`: the part of the bar in which its worker gave no sign. `count`: of how many spans it is the
    sum, where they are folded; `left_out`: of these, those that are not among its children. `zoom`: the
    number of an attempt that is worth to be shown alone."""

    id: str
    title: str
    what: What
    bar: Bar
    silent: Bar | None
    starts: str
    took: str
    error: str | None
    critical: bool
    usual: str | None
    facts: Sequence[tuple[str, str]]
    children: Sequence["Row"]
    is_open: bool
    count: int = 1
    left_out: int = 0
    runs: bool = False
    zoom: str | None = None

    @property
    def meaning(self) -> str | None:
        """Of a wait: what it waits for, for those who do not know the parts."""
        return _MEANINGS.get(self.what)


@dataclass(frozen=True)
class Total:
    """`x` and `share` in percent of all that was counted."""

    what: str
    words: str
    took: str
    x: float
    share: float


@dataclass(frozen=True)
class WaterfallView:
    """`origin`: the time of the axis' zero. `alone`: the title of the attempt that has all of the axis, where
    it is one attempt's."""

    alone: str | None
    axis: Axis
    origin: datetime
    rows: Sequence[Row]
    totals: Sequence[Total]
    legend: Sequence[tuple[What, str]]
    runs: bool
    from_jaeger: bool
    no_spans: NoSpans | None
    truncated: bool
    failed_step: str | None


def view_of(known: KnownSpans, now: datetime, zoomed: str | None = None) -> WaterfallView:
    """As it is `now`. `zoomed`: the number of the attempt that is to have all of the axis; where there is
    none of that number, the axis is the whole report's."""
    top = tree_of(known, now)
    runs = top.span.running
    if not runs:
        mark_critical_path(top)
    nodes = list(walk(top))
    alone = next((node for node in top.children if zoomed and _number(node) == zoomed), None)
    if alone is None:
        axis = axis_of(max(node.end for node in nodes), grows=runs)
    else:
        axis = axis_of(alone.took, grows=alone.span.running, start=alone.start)
    found = {node.what for node in nodes}
    no_spans = known.traced if isinstance(known.traced, NoSpans) else None
    failed = [node for node in nodes if node.what is What.STEP and node.span.error and not node.is_lost]
    return WaterfallView(
        alone.title if alone else None,
        axis,
        min(node.span.start for node in nodes) + timedelta(milliseconds=axis.start),
        _rows(top.children, axis, known.usual),
        _totals(top),
        [(what, words) for what, words in WORDS.items() if what in found],
        runs,
        no_spans is None,
        no_spans,
        known.truncated,
        max(failed, key=lambda node: node.end).span.name if failed else None,
    )


def _rows(nodes: Sequence[Node], axis: Axis, usual: Mapping[str, float]) -> list[Row]:
    """Many siblings of one sort that went well are one row, in the place of the first."""
    alike: dict[tuple[What, str], list[Node]] = {}
    for node in nodes:
        if not (node.children or node.span.error or node.span.running):
            alike.setdefault(_sort(node), []).append(node)
    first = {id(group[0]): group for group in alike.values() if len(group) >= _FOLDED_FROM}
    others = {id(node) for group in first.values() for node in group[1:]}
    return [
        _folded(first[id(node)], axis, usual) if id(node) in first else _row(node, axis, usual)
        for node in nodes
        if id(node) not in others
    ]


def _sort(node: Node) -> tuple[What, str]:
    """Names that differ in a number alone are alike."""
    letters = ("#" if digits else "".join(part) for digits, part in groupby(node.title, str.isdigit))
    return node.what, "".join(letters)


def _folded(nodes: Sequence[Node], axis: Axis, usual: Mapping[str, float]) -> Row:
    longest = sorted(nodes, key=lambda node: node.took, reverse=True)[:_SHOWN_OF_FOLDED]
    start, end = min(node.start for node in nodes), max(node.end for node in nodes)
    together = sum(node.took for node in nodes)
    title = nodes[0].title.rstrip("0123456789").rstrip(":-_ #") or nodes[0].title
    children = [_row(node, axis, usual) for node in sorted(longest, key=lambda node: node.start)]
    return Row(
        id=f"{nodes[0].span.id}-alike",
        title=title,
        what=nodes[0].what,
        bar=_bar(axis, start, end),
        silent=None,
        starts=_offset(start),
        took=in_words((end - start) / 1000),
        error=None,
        critical=any(node.critical for node in nodes),
        usual=f"{sum(1 for row in children if row.usual)} much longer than usual"
        if any(row.usual for row in children)
        else None,
        facts=[
            ("All of them together", in_words(together / 1000)),
            ("The longest", f"{longest[0].title}, {in_words(longest[0].took / 1000)}"),
        ],
        children=children,
        is_open=False,
        count=len(nodes),
        left_out=len(nodes) - len(longest),
    )


def _row(node: Node, axis: Axis, usual: Mapping[str, float]) -> Row:
    silent_from = node.silent_from
    end = node.end if silent_from is None else silent_from
    span = node.span
    facts = [("Service", span.service), *_name(node), *_attributes(node)]
    bar = _bar(axis, node.start, end)
    return Row(
        id=span.id,
        title=node.title,
        what=node.what,
        bar=Bar(bar.x, bar.width, node.start - axis.start if span.running else None),
        silent=None if silent_from is None else _bar(axis, silent_from, node.end),
        starts=_offset(node.start),
        took=in_words(node.took / 1000),
        error=(span.error or "failed") if span.status is SpanStatus.ERROR or span.error else None,
        critical=node.critical,
        usual=_compared(node, usual),
        facts=facts,
        children=_rows(node.children, axis, usual),
        is_open=axis.has(node.start, node.end)
        and (node.what is What.ATTEMPT or bool(span.error and node.children)),
        runs=span.running,
        zoom=_number(node) if _is_small(node, axis) else None,
    )


def _is_small(node: Node, axis: Axis) -> bool:
    return node.took < _MOST_ZOOMED * axis.length or not axis.has(node.start, node.end)


def _number(node: Node) -> str | None:
    """Of an attempt."""
    return str(node.span.attributes.get(names.REPORT_ATTEMPT)) if node.what is What.ATTEMPT else None


def _name(node: Node) -> Iterator[tuple[str, str]]:
    """Of a span that is traced under another name than is shown."""
    if node.span.name in (names.REPORT_PRODUCER, names.REPORT_CONSUMER):
        yield "Span", node.span.name


def _attributes(node: Node) -> Iterator[tuple[str, str]]:
    for name, value in node.span.attributes.items():
        if name == names.LAST_SIGN and node.silent_from is not None:
            yield "Last sign of its worker", _offset(node.silent_from)
        else:
            yield name, str(value)


def _compared(node: Node, usual: Mapping[str, float]) -> str | None:
    if node.is_lost:
        return None  # until that was noticed
    expected = usual.get(node.span.name) if node.what is What.STEP else None
    if not expected or node.took < _NOTICED_MS or node.took < _MUCH_LONGER * expected:
        return None
    return f"{node.took / expected:.1f}\N{MULTIPLICATION SIGN} its usual {in_words(expected / 1000)}"


def _bar(axis: Axis, start: float, end: float) -> Bar:
    """Wide enough to be seen, if it is on the axis."""
    if not axis.has(start, end):
        return Bar(0, 0)
    x = axis.x(start)
    width = max(axis.x(end) - x, _NARROWEST)
    return Bar(min(x, 100 - _NARROWEST), round(width, 3))


def _offset(milliseconds: float) -> str:
    return f"+{in_words(timedelta(milliseconds=milliseconds))}"


def _totals(top: Node) -> list[Total]:
    """Of the report's own time: its waits and its attempts; of a lost one, what came of it until its worker
    gave no sign, and the silence after that."""
    spent: dict[tuple[str, str], float] = {}
    for node in top.children:
        if node.what in (What.HTTP, What.CALL):
            continue
        until = node.end if node.silent_from is None else node.silent_from
        key = str(node.what), WORDS[node.what]
        spent[key] = spent.get(key, 0.0) + until - node.start
        if until < node.end:
            lost = _LOST, "until a lost worker was noticed"
            spent[lost] = spent.get(lost, 0.0) + node.end - until
    total = sum(spent.values()) or 1.0
    totals, x = [], 0.0
    for (what, words), took in spent.items():
        share = 100 * took / total
        totals.append(Total(what, words, in_words(took / 1000), round(x, 3), round(share, 3)))
        x += share
    return totals
