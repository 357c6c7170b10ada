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

from waybill_client import ArtefactError, ExpectedTrace, Report, StatusEvent, Trace, TraceIncompleteError
from waybill_client.cli import formatting
from waybill_client.cli.escaping import one_line
from waybill_client.cli.expected import EXPECTED, ExpectedOutcome
from waybill_client.cli.files import writing
from waybill_client.cli.session import ExitCode, Session, session_of
from waybill_client.cli.status_view import status_view
from waybill_client.cli.trace_compare import trace_json
from waybill_client.cli.trace_view import TraceView


def register(app: typer.Typer) -> None:
    app.command()(demo)


def demo(
    context: typer.Context,
    save: Annotated[
        Path, typer.Option(metavar="DIRECTORY", help="Where to write the artefacts, each under its kind.")
    ] = Path("build/demo"),
    timeout: Annotated[float, typer.Option(help="How long all of it may take, in seconds.", min=1)] = 180.0,
) -> None:
    """Run two reports on a stack that is up, and show where their time went.

    A dowork and a flights report run at once and are shown live.
    Then come the trace and the artefact of each; both are saved as well, the trace as JSON.
    It ends with 1, and a sentence for each thing, when anything is amiss.
    """
    session = session_of(context)
    show = _Show(session, save, timeout)
    outcomes = show.run()
    _print_addresses(session, outcomes)
    failures = [
        f"{outcome.expected.kind}: {sentence}" for outcome in outcomes for sentence in outcome.failures
    ]
    for failure in failures:
        session.err.print(Text(one_line(f"waybill: {failure}"), style="red"), soft_wrap=True)
    if failures:
        raise typer.Exit(ExitCode.FAILED)


@dataclass(frozen=True)
class _Outcome:
    """What became of one report. `whole_after` is when all of its trace had arrived, in seconds."""

    expected: ExpectedOutcome
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
        requested = {expected: api.request(expected.kind, expected.parameters) for expected in EXPECTED}
        for expected, report in requested.items():
            self._session.line(f"Requested {expected.kind}: report {report.id}")
            Thread(target=self._follow, args=(expected, report), daemon=True).start()
        outcomes = self._collect(len(requested))
        for expected, report in requested.items():
            if expected not in outcomes:
                outcomes[expected] = self._late(expected, report)
                _print_outcome(self._session, outcomes[expected])
        return [outcomes[expected] for expected in requested]

    def _collect(self, count: int) -> dict[ExpectedOutcome, _Outcome]:
        """Shows each outcome as soon as it is there, above what still runs."""
        outcomes: dict[ExpectedOutcome, _Outcome] = {}
        with status_view(self._session.out) as view:
            while len(outcomes) < count:
                try:
                    news = self._news.get(timeout=max(0, self._deadline + _GRACE_SECONDS - time.monotonic()))
                except Empty:
                    break
                if isinstance(news, BaseException):
                    raise news
                if isinstance(news, _Outcome):
                    outcomes[news.expected] = news
                    _print_outcome(self._session, news)
                else:
                    view.show(news)
        return outcomes

    def _follow(self, expected: ExpectedOutcome, report: Report) -> None:
        try:
            for event in self._session.api.follow(report.id):
                self._news.put(event)
            self._news.put(self._outcome(expected, self._session.api.show(report.id)))
        except BaseException as error:  # the main thread raises it
            self._news.put(error)

    def _outcome(self, expected: ExpectedOutcome, report: Report) -> _Outcome:
        trace, wrong_in_trace = self._trace(expected, report)
        whole_after = None if wrong_in_trace else time.monotonic() - self._began
        if trace is not None:
            self._save_trace(expected, trace)
        saved, wrong_in_artefact = self._saved(expected, report)
        failures = (*expected.differs_in_report(report), *wrong_in_trace, *wrong_in_artefact)
        return _Outcome(expected, report, failures, trace, saved, whole_after)

    def _trace(self, expected: ExpectedOutcome, report: Report) -> tuple[Trace | None, list[str]]:
        """As much of the trace as arrives in time, and what is wrong with it."""
        if report.trace_id is None:
            return None, ["the report has no trace."]
        left = min(max(1.0, self._deadline - time.monotonic()), _TRACE_SECONDS)
        try:
            trace = self._session.jaeger.wait_for(
                report.trace_id, ExpectedTrace(names=expected.span_names), left
            )
        except TraceIncompleteError as error:
            return error.trace, [str(error)]
        return trace, expected.differs_in_trace(trace)

    def _saved(self, expected: ExpectedOutcome, report: Report) -> tuple[Path | None, list[str]]:
        """The artefact's file, and what is wrong with it."""
        if report.artefact is None:
            return None, []
        directory = self._save / expected.kind
        try:
            directory.mkdir(parents=True, exist_ok=True)
            path = self._session.api.download(report, directory)
        except (ArtefactError, OSError) as error:
            return None, [str(error)]
        return path, expected.differs_in_artefact(path)

    def _save_trace(self, expected: ExpectedOutcome, trace: Trace) -> None:
        """As `waybill trace --json` prints it, for `waybill trace --same-as`."""
        file = self._save / expected.kind / TRACE_FILE
        with writing(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(trace_json(trace)))

    def _late(self, expected: ExpectedOutcome, report: Report) -> _Outcome:
        return _Outcome(expected, report, (f"it was not all there within {self._timeout:g} s.",))


def _print_outcome(session: Session, outcome: _Outcome) -> None:
    report = outcome.report
    title = Text.assemble((one_line(report.kind), "bold"), " ", formatting.status(report.status))
    if report.error:
        title.append(one_line(f" {report.error.message}"), style="red")
    session.out.print()
    session.out.print(Rule(title, align="left", style="dim"))
    if outcome.trace:
        session.out.print(TraceView(outcome.trace))
        session.line(f"Trace     {session.trace_place(outcome.trace.id)}")
    if found := report.artefact:
        session.line(f"Artefact  {session.api.artefact_url(found)}")
        where = f", saved as {outcome.saved}" if outcome.saved else ""
        session.line(f"          {found.media_type}, {formatting.size(found.size)}{where}")


def _print_addresses(session: Session, outcomes: list[_Outcome]) -> None:
    session.out.print()
    session.out.print(Rule(style="dim"))
    session.line(f"API       {session.api.url}")
    session.line(f"Traces    {session.traces_line()}")
    whole = [outcome.whole_after for outcome in outcomes if outcome.whole_after is not None]
    if whole:
        session.line(f"first whole trace after {min(whole):.1f} s")
