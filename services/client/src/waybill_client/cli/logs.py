"""`waybill logs`: what the jobs of a report print and log."""

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.text import Text

from waybill_client import LogRecord
from waybill_client.cli.arguments import ReportId
from waybill_client.cli.escaping import one_line, shown
from waybill_client.cli.session import Session, session_of

_STYLES = {"debug": "dim", "warning": "yellow", "error": "red", "critical": "bold red"}


def register(app: typer.Typer) -> None:
    app.command()(logs)


def logs(
    context: typer.Context,
    report_id: ReportId,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Stay, and show what comes until the report ends.")
    ] = False,
    step: Annotated[str | None, typer.Option(metavar="NAME", help="Only of this step.")] = None,
    attempt: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Only of this attempt, from 1.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Every record as a line of JSON.")] = False,
) -> None:
    """Show what a report's jobs print and log.

    Of very much, the first and the last lines are kept, and how many are
    missing in between is shown. It comes within a second or two.
    """
    session = session_of(context)
    if follow:
        found: Iterator[LogRecord] = (
            record
            for record in session.api.follow_logs(report_id)
            if attempt in (None, record.attempt) and (step in (None, record.step) or record.dropped)
        )
    else:
        found = session.api.logs(report_id, step, attempt)
    if as_json:
        for record in found:
            session.json_line(record)
        return
    _show(session, found)


def _show(session: Session, records: Iterator[LogRecord]) -> None:
    number = 1
    for record in records:
        if record.attempt != number:
            number = record.attempt
            session.out.print(Text(f"attempt {number}", "bold"))
        session.out.print(_line(record), soft_wrap=True)


def _line(record: LogRecord) -> Text:
    """What continues a record is indented: no text can make up a record."""
    time = f"{record.at.astimezone():%H:%M:%S}.{record.at.microsecond // 1000:03}"
    line = Text.assemble((f"{time} ", "dim"))
    if record.step:
        line.append(f"{one_line(record.step)} ", "cyan")
    text = shown(record.text).replace("\n", "\n    ")
    if record.dropped:
        return line.append(text, "magenta")
    if record.level:
        style = _STYLES.get(record.level, "")
        return line.append(f"{one_line(f'{record.level} {record.logger}')}: {text}", style)
    return line.append(text, "red dim" if record.stream == "stderr" else "")
