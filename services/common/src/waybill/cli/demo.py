"""`waybill demo`: two reports at once, shown while they run, then where the time of each went."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Annotated

import typer
from rich.rule import Rule
from rich.text import Text

from waybill.cli import wording
from waybill.cli.files import writing
from waybill.cli.promise import PROMISES, Promise
from waybill.cli.session import ExitCode, Session, session_of
from waybill.cli.status_view import status_view
from waybill.cli.trace_compare import trace_json
from waybill.cli.trace_view import TraceView
from waybill.client import ArtefactError, ExpectedTrace, Report, Trace, TraceIncompleteError
from waybill.messages import StatusEvent


def register(app: typer.Typer) -> None:
    app.command()(demo)


def demo(
    context: typer.Context,
    save: Annotated[
        Path, typer.Option(metavar="DIRECTORY", help="Where to write the artefacts, each under its kind.")
    ] = Path("build/demo"),
    timeout: Annotated[float, typer.Option(help="How long all of it may take, in seconds.", min=1)] = 180.0,
) -> None:
    """Run two reports and show where their time went.

    A dowork and a flights report run at once and are shown live.
    Then come the trace and the artefact of each; both are saved as well, the trace as JSON.
    It ends with 1, and a sentence for each thing, when anything is amiss.
    """
    session = session_of(context)
    show = _Show(session, save, timeout)
    outcomes = show.run()
    _print_addresses(session, outcomes)
    failures = [
        f"{outcome.promise.kind}: {sentence}" for outcome in outcomes for sentence in outcome.failures
    ]
    for failure in failures:
        session.err.print(Text(f"waybill: {failure}", style="red"), soft_wrap=True)
    if failures:
        raise typer.Exit(ExitCode.FAILED)


@dataclass(frozen=True)
class _Outcome:
    """What became of one report. `whole_after` is when all of its trace had arrived, in seconds."""

    promise: Promise
    report: Report
    failures: tuple[str, ...]
    trace: Trace | None = None
    saved: Path | None = None
    whole_after: float | None = None


_News = StatusEvent | _Outcome | BaseException
"""What a report's thread tells the main one; nothing after an outcome or an exception."""


TRACE_FILE = "trace.json"

_TRACE_SECONDS = 30.0
"""How long after a report's end its trace may take to arrive."""
_GRACE_SECONDS = 1.0
"""For a thread that waits for a trace to tell what did not arrive, when the time is over."""


class _Show:
    """Runs the reports of the demonstration side by side, each followed by a thread of its own.

    The threads only put news into a queue; one thread shows them.
    """

    def __init__(self, session: Session, save: Path, timeout: float) -> None:
        self._session = session
        self._save = save
        self._began = time.monotonic()
        self._deadline = self._began + timeout
        self._timeout = timeout
        self._news: SimpleQueue[_News] = SimpleQueue()

    def run(self) -> list[_Outcome]:
        """Blocks until every report has its outcome, or the time is over."""
        api = self._session.api
        requested = {promise: api.request(promise.kind, promise.parameters) for promise in PROMISES}
        for promise, report in requested.items():
            self._session.line(f"Requested {promise.kind}: report {report.id}")
            Thread(target=self._follow, args=(promise, report), daemon=True).start()
        outcomes = self._collect(len(requested))
        for promise, report in requested.items():
            if promise not in outcomes:
                outcomes[promise] = self._late(promise, report)
                _print_outcome(self._session, outcomes[promise])
        return [outcomes[promise] for promise in requested]

    def _collect(self, count: int) -> dict[Promise, _Outcome]:
        """Shows each outcome as soon as it is there, above what still runs."""
        outcomes: dict[Promise, _Outcome] = {}
        with status_view(self._session.out) as view:
            while len(outcomes) < count:
                try:
                    news = self._news.get(timeout=max(0, self._deadline + _GRACE_SECONDS - time.monotonic()))
                except Empty:
                    break
                if isinstance(news, BaseException):
                    raise news
                if isinstance(news, _Outcome):
                    outcomes[news.promise] = news
                    _print_outcome(self._session, news)
                else:
                    view.show(news)
        return outcomes

    def _follow(self, promise: Promise, report: Report) -> None:
        try:
            for event in self._session.api.follow(report.id):
                self._news.put(event)
            self._news.put(self._outcome(promise, self._session.api.show(report.id)))
        except BaseException as error:  # the main thread raises it
            self._news.put(error)

    def _outcome(self, promise: Promise, report: Report) -> _Outcome:
        trace, unkept_by_trace = self._trace(promise, report)
        whole_after = None if unkept_by_trace else time.monotonic() - self._began
        if trace is not None:
            self._save_trace(promise, trace)
        saved, unkept_by_artefact = self._saved(promise, report)
        failures = (*promise.broken_by_report(report), *unkept_by_trace, *unkept_by_artefact)
        return _Outcome(promise, report, failures, trace, saved, whole_after)

    def _trace(self, promise: Promise, report: Report) -> tuple[Trace | None, list[str]]:
        """As much of the trace as arrives in time, and what is wrong with it."""
        if report.trace_id is None:
            return None, ["the report has no trace."]
        left = min(max(1.0, self._deadline - time.monotonic()), _TRACE_SECONDS)
        try:
            trace = self._session.jaeger.wait_for(
                report.trace_id, ExpectedTrace(names=promise.span_names), left
            )
        except TraceIncompleteError as error:
            return error.trace, [str(error)]
        return trace, promise.broken_by_trace(trace)

    def _saved(self, promise: Promise, report: Report) -> tuple[Path | None, list[str]]:
        """The artefact's file, and what is wrong with it."""
        if report.artefact is None:
            return None, []
        directory = self._save / promise.kind
        try:
            directory.mkdir(parents=True, exist_ok=True)
            path = self._session.api.download(report, directory)
        except (ArtefactError, OSError) as error:
            return None, [str(error)]
        return path, promise.broken_by_artefact(path)

    def _save_trace(self, promise: Promise, trace: Trace) -> None:
        """As `waybill trace --json` prints it, for `waybill trace --same-as`."""
        file = self._save / promise.kind / TRACE_FILE
        with writing(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(trace_json(trace)))

    def _late(self, promise: Promise, report: Report) -> _Outcome:
        return _Outcome(promise, report, (f"it was not all there within {self._timeout:g} s.",))


def _print_outcome(session: Session, outcome: _Outcome) -> None:
    report = outcome.report
    title = Text.assemble((report.kind, "bold"), " ", wording.status(report.status))
    if report.error:
        title.append(f" {report.error.message}", style="red")
    session.out.print()
    session.out.print(Rule(title, align="left", style="dim"))
    if outcome.trace:
        session.out.print(TraceView(outcome.trace))
        session.line(f"Trace     {session.trace_place(outcome.trace.id)}")
    if found := report.artefact:
        session.line(f"Artefact  {session.api.artefact_url(found)}")
        where = f", saved as {outcome.saved}" if outcome.saved else ""
        session.line(f"          {found.media_type}, {wording.size(found.size)}{where}")


def _print_addresses(session: Session, outcomes: list[_Outcome]) -> None:
    session.out.print()
    session.out.print(Rule(style="dim"))
    session.line(f"API       {session.api.url}")
    session.line(f"Traces    {session.jaeger.url}, {session.trace_source.name}")
    whole = [outcome.whole_after for outcome in outcomes if outcome.whole_after is not None]
    if whole:
        session.line(f"first whole trace after {min(whole):.1f} s")
