"""A trace as a tree with bars on one axis of time.

```
Trace 8a69b07b598a20e07034771234207074 · 991 ms · 15 spans · producer-api, report-worker
HTTP 1 % · Kafka 4 % · steps 93 % · other 2 %
                                      0                       991 ms
producer-api  POST /api/v1/reports    ▍                              13.6 ms
producer-api  └ report_request        ▕                              7.12 ms
producer-api    └ report_producer     ▕▏                             15.2 ms
Kafka             ├ (time in Kafka)    ░                             20.4 ms
report-worker     └ ✗ report_consumer   ███████████████████████████  946 ms
```
It needs no colour: a failing span has a ✗ and its reason beside its bar, or below it when there is no room.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from waybill_client import Node, QueueTime, Trace
from waybill_client.cli import formatting
from waybill_client.cli.escaping import one_line

_SERVICE_STYLES = ("cyan", "magenta", "green", "blue")
_QUEUE_STYLE = "yellow"
_FAILED_STYLE = "red"
_FAILS_FIRST_STYLE = "bold red"

_LEFT = " ▏▎▍▌▋▊▉█"
"""A cell filled from the left, by eighths."""
_PAST_THE_BRANCH = str.maketrans("├└", "│ ")
_WIDEST = 160
_DURATION_WIDTH = 8
_LEAST_BAR = 10


@dataclass(frozen=True)
class _Row:
    """One line of the tree. `note` stands beside the bar; `style` is for all but the service."""

    service: str
    label: str
    start: int
    end: int
    took: str
    style: str = ""
    note: str = ""
    waiting: bool = False
    failed: bool = False


@dataclass(frozen=True)
class _Heading:
    """A line of words between rows."""

    text: str


_Line = _Row | _Heading


@dataclass(frozen=True)
class TraceView:
    """Renders a trace; `missing` says in a line of its own what had not arrived of it."""

    trace: Trace
    missing: Sequence[str] = field(default=())

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = list(_lines(self.trace))
        rows = [line for line in lines if isinstance(line, _Row)]
        yield _header(self.trace)
        for sentence in self.missing:
            yield Text(one_line(f"Not complete: {sentence}."), style="yellow")
        columns = _Columns.fit(rows, min(options.max_width, _WIDEST), self.trace)
        styles = dict(zip(map(one_line, self.trace.services), cycle(_SERVICE_STYLES), strict=False))
        yield columns.axis()
        for line in lines:
            if isinstance(line, _Heading):
                yield Text(line.text, style="yellow")
            else:
                yield from columns.render(line, styles.get(line.service, _QUEUE_STYLE))


@dataclass(frozen=True)
class _Columns:
    """The widths of the columns, in cells, and the axis of time that all bars share."""

    service: int
    label: int
    bar: int
    start: int
    duration: int

    @classmethod
    def fit(cls, rows: Sequence[_Row], width: int, trace: Trace) -> "_Columns":
        service = min(max(cell_len(row.service) for row in rows), 16)
        label = min(max(cell_len(row.label) for row in rows), max(width * 45 // 100, 12))
        bar = max(width - service - label - _DURATION_WIDTH - 3, _LEAST_BAR)
        return cls(service, label, bar, trace.start, max(trace.duration, 1))

    def axis(self) -> Text:
        """The first and the last moment, above the bars."""
        end = formatting.duration(self.duration)
        return _line(" " * (self.service + self.label + 2), f"0{end:>{self.bar - 1}}", style="dim")

    def render(self, row: _Row, service_style: str) -> Iterator[Text]:
        begin, end = self._cells(row.start), self._cells(row.end)
        bar = _waiting_bar(begin, end, self.bar) if row.waiting else _bar(begin, end, self.bar)
        beside = _beside(bar, row.note)
        text = Text(no_wrap=True, overflow="crop")
        text.append(_fitted(row.service, self.service) + " ", style=service_style)
        text.append(_fitted(row.label, self.label) + " ", style=row.style)
        text.append(beside or bar, style=row.style or service_style)
        text.append(f" {row.took:>{_DURATION_WIDTH}}", style=row.style)
        yield text
        if beside is None:
            guides = row.label[: -len(row.label.lstrip(" │├└"))].translate(_PAST_THE_BRANCH)
            mark = "✗ " if row.failed else "  "
            yield _line(" " * (self.service + 1), guides, mark, row.note, style=row.style)

    def _cells(self, moment: int) -> float:
        return (moment - self.start) / self.duration * self.bar


def _header(trace: Trace) -> Text:
    shares = trace.shares
    count = len(trace.spans)
    text = Text(one_line(f"Trace {trace.id}"), style="bold")
    text.append(f" · {formatting.duration(trace.duration)} · {count} span{'s' if count != 1 else ''}\n")
    text.append(one_line(f"{', '.join(trace.services)} · "))
    text.append(f"HTTP {formatting.share(shares.http)}, Kafka {formatting.share(shares.kafka)}, ")
    text.append(f"steps {formatting.share(shares.steps)}, other {formatting.share(shares.other)}")
    return text


def _lines(trace: Trace) -> Iterator[_Line]:
    for root in trace.roots:
        yield from _subtree(root, "", "")
    if trace.orphan_nodes:
        yield _Heading("(parent not received)")
    for orphan in trace.orphan_nodes:
        yield from _subtree(orphan, "", "")


def _subtree(node: Node, branch: str, below: str) -> Iterator[_Line]:
    """The rows of a node; `branch` leads to it, `below` leads past it to what comes after."""
    span = node.span
    if node.queue_time:
        yield _queue_row(node.queue_time, branch.replace("└", "├"))
    style = _FAILS_FIRST_STYLE if node.fails_first else _FAILED_STYLE if span.failed else ""
    label = branch + one_line(f"✗ {span.name}" if span.failed else span.name)
    took = formatting.duration(span.duration)
    service, reason = one_line(span.service), one_line(_reason(node))
    yield _Row(service, label, span.start, span.end, took, style, reason, failed=span.failed)
    for child in node.children:
        last = child is node.children[-1]
        yield from _subtree(child, below + ("└ " if last else "├ "), below + ("  " if last else "│ "))


def _queue_row(queue: QueueTime, branch: str) -> _Row:
    # what is recorded has whole milliseconds
    took = "<1 ms" if queue.recorded and queue.duration < 1000 else formatting.duration(queue.duration)
    label = f"{branch}(time in Kafka)"
    return _Row("Kafka", label, queue.start, queue.end, took, _QUEUE_STYLE, waiting=True)


def _reason(node: Node) -> str:
    """Why a span failed, where it does not repeat what a failing span below it says; or that it did not
    run."""
    if not node.span.failed and node.span.reused_from_attempt is not None:
        return formatting.reused(node.span.reused_from_attempt)
    reason = node.span.error or ""
    return "" if any((span.error or "") in reason for span in node.failing_below) else reason


def _bar(begin: float, end: float, width: int) -> str:
    """A bar from `begin` to `end`, in cells: its end is precise to an eighth, its start as blocks allow."""
    first = min(round(begin * 8), width * 8 - 1)
    last = min(max(round(end * 8), first + 1), width * 8)
    cells = ((max(first - cell, 0), min(last - cell, 8)) for cell in range(0, width * 8, 8))
    return "".join(_block(left, right) for left, right in cells)


def _block(left: int, right: int) -> str:
    """One cell that is filled from `left` to `right`, in eighths; there are few blocks that lean right."""
    filled = right - left
    if filled <= 0:
        return " "
    if left == 0 or left + right < 8:
        return _LEFT[filled]
    return "█" if filled > 5 else "▐" if filled > 2 else "▕"


def _waiting_bar(begin: float, end: float, width: int) -> str:
    first = min(int(begin), width - 1)
    last = min(max(round(end), first + 1), width)
    return (" " * first + "░" * (last - first)).ljust(width)


def _beside(bar: str, note: str) -> str | None:
    """The bar with the note in the free space at its right or its left; None when neither holds it."""
    if not note:
        return bar
    need = cell_len(note) + 1
    right, left = len(bar.rstrip()), len(bar) - len(bar.lstrip())
    if len(bar) - right >= need:
        return set_cell_size(f"{bar[:right]} {note}", len(bar))
    if left >= need:
        return f"{' ' * (left - need)}{note} {bar[left:]}"
    return None


def _fitted(text: str, width: int) -> str:
    """Exactly `width` cells, with an ellipsis where something was cut."""
    return set_cell_size(text, width) if cell_len(text) <= width else set_cell_size(text, width - 1) + "…"


def _line(*parts: str, style: str) -> Text:
    return Text("".join(parts), style=style, no_wrap=True, overflow="ellipsis")
