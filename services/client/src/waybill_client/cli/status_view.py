"""What is shown of reports while they run: bars that move on a terminal, else a line for each change."""

from types import TracebackType
from typing import Protocol, Self, cast
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from waybill_client import TERMINAL, StatusEvent, StepStatus
from waybill_client.cli import formatting
from waybill_client.cli.escaping import one_line


class StatusView(Protocol):
    """Gets every event; use it in a `with`, from one thread."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    def show(self, event: StatusEvent) -> None: ...


def status_view(console: Console) -> StatusView:
    """The view that suits where the console writes to."""
    return BarView(console) if console.is_terminal else LineView(console)


class LineView:
    """One line for each change of status and each step that ended, with the seconds since the request."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass

    def show(self, event: StatusEvent) -> None:
        if event.step and event.step.status is StepStatus.RUNNING:
            return
        line = Text(f"{_seconds(event):6.1f} s  {one_line(event.kind):<8} ")
        line.append(f"{event.status:<10} ", style=formatting.STYLES[event.status])
        if event.step and event.progress:
            line.append(f"{event.progress.done}/{event.progress.total} ")
        line.append_text(_news(event))
        line.rstrip()
        self._console.print(line, soft_wrap=True)


class BarView:
    """A line with a bar for each report, in place, with the step that runs."""

    def __init__(self, console: Console) -> None:
        self._tasks: dict[UUID, TaskID] = {}
        self._progress = Progress(
            TextColumn("{task.fields[kind]:<8}", markup=False),
            BarColumn(bar_width=None, table_column=Column(ratio=2)),
            TextColumn("{task.fields[count]:>5}", markup=False),
            _News(Column(ratio=3, no_wrap=True, overflow="ellipsis")),
            _Seconds(),
            console=console,
            expand=True,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, event: StatusEvent) -> None:
        if event.report_id not in self._tasks:
            self._tasks[event.report_id] = self._progress.add_task(
                "", total=None, kind=one_line(event.kind), count="", news=Text(), seconds=None
            )
        task = self._tasks[event.report_id]
        news = Text.assemble(formatting.status(event.status), " ", _news(event))
        self._progress.update(task, news=news)
        if progress := event.progress:
            count = f"{progress.done}/{progress.total}"
            self._progress.update(task, completed=progress.done, total=progress.total, count=count)
        if event.status in TERMINAL:
            self._progress.stop_task(task)
            self._progress.update(
                task, seconds=_seconds(event), total=event.progress.total if event.progress else 1
            )


class _News(ProgressColumn):
    """The last event of a report."""

    def render(self, task: Task) -> Text:
        return cast(Text, task.fields["news"])


class _Seconds(ProgressColumn):
    """How long a report has been watched; when it has ended, how long it took."""

    max_refresh = 0.1

    def render(self, task: Task) -> Text:
        seconds = task.fields["seconds"] or task.elapsed or 0
        return Text(f"{seconds:5.1f} s", style="dim")


def _seconds(event: StatusEvent) -> float:
    """From the request to the event; the two clocks may disagree."""
    return max(0.0, (event.at - event.created_at).total_seconds())


def _news(event: StatusEvent) -> Text:
    """What this event tells that the one before did not."""
    if step := event.step:
        if step.status is StepStatus.FAILED:
            return Text(one_line(f"✗ {step.name}: {step.error or 'failed'}"), style="red")
        if step.reused:
            return Text(one_line(f"{step.name} {step.status}, {formatting.reused(step.reused_from_attempt)}"))
        took = f", {_whole(step.duration_ms)}" if step.duration_ms is not None else ""
        return Text(one_line(f"{step.name} {step.status}{took}"))
    if event.error:
        return Text(one_line(f"✗ {event.error.message}"), style="red")
    if event.artefact:
        more = f", and {len(event.artefacts) - 1} more" if event.artefacts else ""
        return Text(one_line(f"{event.artefact.filename}, {formatting.size(event.artefact.size)}{more}"))
    return Text(f"attempt {event.attempt}" if event.attempt > 1 else "")


def _whole(milliseconds: int) -> str:
    """No more figures than there are."""
    return f"{milliseconds} ms" if milliseconds < 1000 else formatting.duration(milliseconds * 1000)
