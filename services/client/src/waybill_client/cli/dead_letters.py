"""The commands about what could not be done: dead-letters, redrive."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from waybill_client import Redriven
from waybill_client.cli import formatting
from waybill_client.cli.escaping import one_line
from waybill_client.cli.session import ExitCode, session_of

FromStart = Annotated[
    bool, typer.Option("--from-start", help="Run all steps again, also those whose results are stored.")
]
Limit = Annotated[int, typer.Option(min=1, max=200, help="How many at most.")]


def register(app: typer.Typer) -> None:
    app.command("dead-letters")(dead_letters)
    app.command()(redrive)


def dead_letters(
    context: typer.Context,
    reason: Annotated[str | None, typer.Option(help="Only those with this reason, such as not_json.")] = None,
    redriven: Annotated[bool, typer.Option(help="Those that were redriven, too.")] = False,
    limit: Limit = 50,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with stacks, for a script.")] = False,
) -> None:
    """List reports whose attempts are exhausted, and messages that cannot be read."""
    session = session_of(context)
    letters = session.api.dead_letters(reason, redriven, limit)
    if as_json:
        session.json({"dead_letters": [letter.model_dump(mode="json") for letter in letters]})
        return
    now = datetime.now(UTC)
    table = Table("report", "reason", "detail", "from", "when", box=None, pad_edge=False, header_style="dim")
    for letter in letters:
        table.add_row(
            str(letter.report_id or "-"),
            letter.reason,
            letter.detail,
            f"{letter.topic}/{letter.partition}/{letter.offset}",
            formatting.ago(letter.created_at, now),
        )
    session.out.print(table if letters else "There are no dead letters.")


def redrive(
    context: typer.Context,
    reason: Annotated[
        str | None, typer.Option(help="Only those with this reason, such as timed_out.")
    ] = None,
    limit: Limit = 100,
    from_start: FromStart = False,
) -> None:
    """Restart the reports of unresolved dead letters, each in its trace.

    Reports come first, then messages that could not be read; those that still
    cannot be read stay. What stays is named on standard error.
    With --reason it ends with 1 when any stays.
    'waybill retry ID' does it for one report.
    """
    session = session_of(context)
    outcome = session.api.redrive(reason, limit, from_start=from_start)
    for report_id in outcome.reports:
        session.line(str(report_id))
    for refused in outcome.refused:
        session.err.print(one_line(f"{refused.id}: {refused.detail}"), soft_wrap=True)
    if len(outcome.reports) + len(outcome.refused) >= limit:
        session.err.print(_more(outcome), soft_wrap=True)
    if outcome.refused and reason is not None:
        raise typer.Exit(ExitCode.FAILED)


def _more(outcome: Redriven) -> str:
    """How to come to those that the limit left out: what was refused would be so again."""
    if outcome.reports:
        return "There may be more: run it again."
    return "There may be more behind these: give a --reason, or a larger --limit."
