"""`waybill audit`: who did what."""

from typing import Annotated
from uuid import UUID

import typer
from rich.table import Table

from waybill_client import Action
from waybill_client.cli import formatting
from waybill_client.cli.session import session_of
from waybill_client.cli.trace import as_report_id

_SHOWN = 50


def register(app: typer.Typer) -> None:
    app.command()(audit)


def audit(
    context: typer.Context,
    action: Annotated[Action | None, typer.Option(help="Only this.")] = None,
    actor: Annotated[str | None, typer.Option(metavar="NAME", help="Only what they did.")] = None,
    report: Annotated[
        UUID | None,
        typer.Option(metavar="ID", help="Only what was done to this report.", parser=as_report_id),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help=f"How many at most; {_SHOWN} if not given, with --json all.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Every entry as a line of JSON.")] = False,
) -> None:
    """List who requested, cancelled, retried, redrove or downloaded a report, made a key, or paused a kind.

    The newest is first.
    """
    session = session_of(context)
    if as_json:
        for entry in session.api.audit(action, actor, report, limit):
            session.json_line(entry)
        return
    table = Table("when", "actor", "known by", "action", "of", box=None, pad_edge=False, header_style="dim")
    table.columns[0].no_wrap = True
    for entry in session.api.audit(action, actor, report, limit or _SHOWN):
        table.add_row(
            formatting.moment(entry.at),
            formatting.owner(entry.actor, entry.actor_tenant),
            entry.credential,
            entry.action,
            str(entry.report_id or entry.subject or "-"),
        )
    session.out.print(table if table.rows else "There are no such entries.")
