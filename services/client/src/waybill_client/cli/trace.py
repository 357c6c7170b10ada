"""`waybill trace`: where a report's time went, read back from Jaeger."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from waybill_client import ExpectedTrace, Report, StepStatus, Trace, TraceIncompleteError
from waybill_client.cli.escaping import one_line
from waybill_client.cli.files import writing
from waybill_client.cli.session import ExitCode, Session, session_of
from waybill_client.cli.trace_compare import SavedTrace, read_saved, trace_json
from waybill_client.cli.trace_picture import trace_svg
from waybill_client.cli.trace_view import TraceView
from waybill_client.errors import ClientError

_TRACE_ID = re.compile("[0-9a-f]{32}")
WAIT_SECONDS = 15.0


def register(app: typer.Typer) -> None:
    app.command()(trace)


def trace(
    context: typer.Context,
    identity: Annotated[
        str, typer.Argument(metavar="ID", help="A report's id, or a trace id of 32 hex digits.")
    ],
    wait: Annotated[
        float, typer.Option(help="How long to wait for spans that have not arrived, in seconds.", min=0)
    ] = WAIT_SECONDS,
    as_json: Annotated[bool, typer.Option("--json", help="Every span as JSON.")] = False,
    svg: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also as a picture.", dir_okay=False)
    ] = None,
    same_as: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Only compare it with what --json printed before; end with 1 where they differ.",
            dir_okay=False,
        ),
    ] = None,
) -> None:
    """Show where a report's time went, as a tree of spans.

    The time in Kafka has a line of its own; what failed is marked with ✗ and its reason.
    It ends with 1 when the trace is not whole after the wait; the spans found are shown.
    """
    session = session_of(context)
    session.picture = svg
    if same_as is not None:
        compare(session, identity, read_saved(same_as), wait)
    elif _TRACE_ID.fullmatch(identity):
        show_trace(session, identity, ExpectedTrace(), wait, as_json=as_json)
    else:
        show_report_trace(session, session.api.show(as_report_id(identity)), wait, as_json=as_json)


def show_report_trace(
    session: Session, report: Report, wait: float = WAIT_SECONDS, *, as_json: bool = False
) -> None:
    """The trace of a report, whether or not it has ended; only of one that has, all is waited for."""
    trace_id = _trace_id(report)
    if report.ended:
        show_trace(session, trace_id, ExpectedTrace(names=step_names(session, report)), wait, as_json=as_json)
        return
    trace = session.jaeger.trace(trace_id)
    session.err.print(f"The report is still at {report.status}; this is what has arrived of its trace.")
    if trace is not None:
        _print(session, trace, (), as_json=as_json)


def show_trace(
    session: Session, trace_id: str, expected: ExpectedTrace, wait: float, *, as_json: bool = False
) -> None:
    """Prints a trace; exits with 1 when it is not whole after `wait` seconds."""
    try:
        _print(session, session.jaeger.wait_for(trace_id, expected, wait), (), as_json=as_json)
    except TraceIncompleteError as error:
        if error.trace is None:
            raise
        _print(session, error.trace, error.missing, as_json=as_json)
        raise typer.Exit(ExitCode.FAILED) from error


def compare(session: Session, identity: str, saved: SavedTrace, wait: float) -> None:
    """Waits for the spans of a saved trace, and says whether they are the same here."""
    trace_id = identity
    if not _TRACE_ID.fullmatch(identity):
        trace_id = _trace_id(session.api.show(as_report_id(identity)))
    trace = session.jaeger.wait_for(trace_id, ExpectedTrace(names=saved.span_names), wait)
    differences = saved.differences(trace)
    for difference in differences:
        session.err.print(one_line(difference), style="red", soft_wrap=True)
    if differences:
        raise typer.Exit(ExitCode.FAILED)
    where = session.trace_source.name
    session.line(f"Trace {trace_id}: read from {where}, {len(trace.spans)} spans, each as saved")


def step_names(session: Session, report: Report) -> tuple[str, ...]:
    """The steps that the report's last attempt has ended, as its events have them."""
    return tuple(
        event.step.name
        for event in session.api.follow(report.id)
        if event.step and event.step.status is not StepStatus.RUNNING and event.attempt == report.attempt
    )


def as_report_id(text: str) -> UUID:
    """Raises a usage error that says what was expected."""
    try:
        return UUID(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"{text!r} is neither a report's id nor a trace id.", param_hint="ID"
        ) from error


def _trace_id(report: Report) -> str:
    if report.trace_id is None:
        raise ClientError(
            f"Report {report.id} has no trace: its request was not sampled, or the service sends no spans."
        )
    return report.trace_id


def _print(session: Session, trace: Trace, missing: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        session.json(trace_json(trace, missing))
        return
    view = TraceView(trace, missing)
    session.out.print(view)
    session.line(f"Trace     {session.trace_place(trace.id)}")
    if session.picture:
        picture = trace_svg(view, f"waybill trace {trace.id}")
        with writing(session.picture):
            session.picture.write_text(picture, encoding="utf-8")
