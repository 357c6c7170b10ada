"""The commands about reports: request, follow, show, artefact."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.text import Text

from waybill_client import ANONYMOUS, ClientError, Report, ShownReport, Status, StepStatus
from waybill_client.cli import formatting
from waybill_client.cli.arguments import (
    AsJson,
    Follow,
    Key,
    Open,
    Outputs,
    Pairs,
    Priority,
    ReportId,
    Save,
    Set,
    ShowTrace,
    Tags,
    Timeout,
    Webhook,
)
from waybill_client.cli.artefacts import open_artefact, save_artefacts
from waybill_client.cli.escaping import one_line
from waybill_client.cli.files import writing
from waybill_client.cli.parameters import parse_parameters
from waybill_client.cli.session import ExitCode, Session, session_of
from waybill_client.cli.status_view import status_view
from waybill_client.cli.trace import show_report_trace


def register(app: typer.Typer) -> None:
    for command in (request, follow, show, artefact):
        app.command()(command)


def request(
    context: typer.Context,
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="What sort of report; 'waybill kinds' lists them.")
    ],
    pairs: Pairs = None,
    parameters: Annotated[
        str | None, typer.Option(metavar="JSON", help="All parameters as a JSON object.")
    ] = None,
    follow: Follow = False,
    trace: ShowTrace = False,
    save: Save = None,
    outputs: Outputs = None,
    open_it: Open = False,
    key: Key = None,
    timeout: Timeout = None,
    priority: Priority = None,
    webhook: Webhook = None,
    tags: Tags = None,
    kept: Set = None,
    as_json: AsJson = False,
) -> None:
    """Request a report.

    Without options, it prints the report's id at once and ends.
    With --follow it ends with 1 when the report fails or is cancelled.
    """
    session = session_of(context)
    given = parse_parameters(pairs or [], parameters)
    if kept is not None:
        given = {**session.api.parameter_set(kind, kept).parameters, **given}
    report = session.api.request(kind, given, key, timeout, priority, outputs, webhook, tags)
    after_request(session, report, follow=follow, trace=trace, save=save, open_it=open_it, as_json=as_json)


def after_request(
    session: Session,
    report: Report,
    *,
    follow: bool,
    trace: bool,
    save: Path | None,
    open_it: bool,
    as_json: bool,
) -> None:
    """Prints the report's id; or follows it to its end, and does what is to be done then."""
    if not (follow or trace or save or open_it):
        session.json(report) if as_json else session.line(str(report.id))
        say_page(session, report)
        return
    say_page(session, report)
    report = follow_to_end(session, report.id, quiet=as_json)
    if as_json:
        session.json(report)
    if report.artefact:
        saved = save_artefacts(session, report, save, quiet=as_json) if save else None
        if open_it:
            open_artefact(session, report, saved, quiet=as_json)
    if trace:
        show_report_trace(session, report, as_json=as_json)
    exit_by(report)


def follow(
    context: typer.Context,
    report_id: ReportId,
    as_json: Annotated[bool, typer.Option("--json", help="Every event as a line of JSON.")] = False,
) -> None:
    """Show a report's status until it ends.

    It begins with the first change, also when the report has already ended.
    It ends with 1 when the report failed or was cancelled.
    """
    session = session_of(context)
    if not as_json:
        say_page(session, session.api.show(report_id))
        exit_by(follow_to_end(session, report_id))
        return
    for event in session.api.follow(report_id):
        session.json_line(event)
    exit_by(session.api.show(report_id))


def show(context: typer.Context, report_id: ReportId, as_json: AsJson = False) -> None:
    """Show one report as it is now."""
    session = session_of(context)
    report = session.api.show(report_id)
    if as_json:
        session.json(report)
        return
    for name, value in _facts(session, report):
        text = one_line(value) if isinstance(value, str) else value
        session.out.print(Text.assemble((f"{name:<11} ", "dim"), text), soft_wrap=True)


def artefact(
    context: typer.Context,
    report_id: ReportId,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="A file, a directory, or - for standard output."),
    ] = Path(),
) -> None:
    """Fetch the file that a report produced, or the first of several.

    It goes into the current directory, under its own name, if nothing else
    is said. Its checksum is verified; a file that is there is replaced.
    A device, a pipe or a link that is named is written to.
    'waybill artefacts' has all of them.
    """
    session = session_of(context)
    report = session.api.show(report_id)
    if output == Path("-"):
        session.api.write_artefact(report, sys.stdout.buffer)
        return
    with writing(output):
        path = session.api.download(report, output)
    session.line(str(path))


def say_page(session: Session, report: Report) -> None:
    """Where a person can watch it. On standard error: a script reads the id."""
    if page := session.api.page_of(report):
        session.note(f"Its page: {page}", quiet=True)


def follow_to_end(session: Session, report_id: UUID, *, quiet: bool = False) -> Report:
    """Shows the report until it ends, and answers what became of it."""
    with status_view(session.err if quiet else session.out) as view:
        for event in session.api.follow(report_id):
            view.show(event)
    return session.api.show(report_id)


def _reused(session: Session, report: Report) -> dict[int, list[str]]:
    """The steps of its last attempt that did not run, by the attempt that has stored their results. None
    where its events cannot be had, as for a limit of streams."""
    found: dict[int, list[str]] = {}
    with suppress(ClientError):
        for event in session.api.follow(report.id):
            step = event.step if event.attempt == report.attempt else None
            if step and step.reused_from_attempt is not None and step.status is not StepStatus.RUNNING:
                found.setdefault(step.reused_from_attempt, []).append(step.name)
            if event.version >= report.version:
                break
    return found


def exit_by(report: Report) -> None:
    if report.status is not Status.DONE:
        raise typer.Exit(ExitCode.FAILED)


def _requested(report: Report) -> Iterator[tuple[str, str]]:
    """What the client has asked for."""
    yield "report", str(report.id)
    if report.owner != ANONYMOUS:
        yield "owner", formatting.owner(report.owner, report.tenant)
    yield "kind", report.kind
    given = {name: value for name, value in report.parameters.items() if value is not None}
    yield "parameters", ", ".join(f"{name}={value}" for name, value in given.items()) or "none"
    if report.outputs:
        yield "outputs", ", ".join(report.outputs)
    if report.tags:
        yield "tags", ", ".join(report.tags)
    if report.rerun_of:
        yield "rerun of", str(report.rerun_of)


def _progress(report: ShownReport) -> Iterator[tuple[str, str]]:
    """How far it is."""
    if progress := report.progress:
        yield "progress", f"{progress.done} of {progress.total}, {progress.step}"
    if report.error:
        yield "error", report.error.message
    if report.estimate:
        yield "estimate", formatting.estimate(report.estimate, datetime.now(UTC))


def _facts(session: Session, report: ShownReport) -> Iterator[tuple[str, str | Text]]:
    """What there is to say, each with its name."""
    yield from _requested(report)
    if page := session.api.page_of(report):
        yield "page", page
    yield "status", formatting.status_of(report)
    yield from _progress(report)
    if report.attempt > 1:
        yield "attempt", str(report.attempt)
        for attempt, steps in _reused(session, report).items():
            yield "", f"{formatting.reused(attempt)}: {', '.join(steps)}"
    yield "requested", formatting.moment(report.created_at)
    if report.finished_at:
        yield "ended", f"{formatting.moment(report.finished_at)}, after {formatting.took(report)}"
    for number, found in enumerate(report.artefacts):
        link = found if number or report.artefact is None else report.artefact
        which = f" ({found.output})" if found.output else ""
        name = "" if number else "artefact" if len(report.artefacts) == 1 else "artefacts"
        yield name, f"{found.filename}{which}, {found.media_type}, {formatting.size(found.size)}"
        yield "", session.api.artefact_url(link)
    if report.webhook:
        yield "webhook", formatting.delivery(report.webhook)
    if report.trace_id:
        yield "trace", session.trace_place(report.trace_id)
