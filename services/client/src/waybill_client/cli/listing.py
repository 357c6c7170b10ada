"""`waybill list`: the reports, or those that are looked for."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Annotated

import typer
from rich.table import Table

from waybill_client import ANONYMOUS, Report, Status
from waybill_client.cli import formatting
from waybill_client.cli.arguments import AsJson, Pairs
from waybill_client.cli.parameters import parse_parameters
from waybill_client.cli.session import session_of

_AGO = re.compile(r"(\d{1,6}) ?(s|min|h|d)")
_UNITS = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days"}


def as_time(text: str) -> datetime:
    """Of `2h`, the time so long before now; else a time as ISO 8601 has it, in this machine's zone unless it
    names one. Raises a usage error."""
    try:
        if found := _AGO.fullmatch(text):
            return datetime.now(UTC) - timedelta(**{_UNITS[found[2]]: int(found[1])})
        time = datetime.fromisoformat(text)
        return time if time.tzinfo else time.astimezone()
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"{text!r} is neither a time, as 2026-11-23T12:00, nor how long ago, as 90s, 30min, 2h or 7d."
        ) from None


Time = Annotated[
    datetime | None,
    typer.Option(metavar="TIME", help="A time, or how long ago: 90s, 30min, 2h, 7d.", parser=as_time),
]


def register(app: typer.Typer) -> None:
    app.command("list")(list_reports)


def list_reports(
    context: typer.Context,
    status: Annotated[
        list[Status] | None, typer.Option(help="Only reports with this status. Repeatable.")
    ] = None,
    kind: Annotated[list[str] | None, typer.Option(help="Only reports of this kind. Repeatable.")] = None,
    owner: Annotated[str | None, typer.Option(help="Only those of this owner.")] = None,
    tag: Annotated[str | None, typer.Option(metavar="TEXT", help="Only reports with this tag.")] = None,
    since: Time = None,
    until: Time = None,
    error: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Only those whose error has this in its message.")
    ] = None,
    pairs: Pairs = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the reports, newest first; with options, those for which all of them hold."""
    session = session_of(context)
    found = session.api.reports(
        status,
        kind,
        limit,
        owner=owner,
        tag=tag,
        since=since,
        until=until,
        error=error,
        parameters=parse_parameters(pairs or [], None),
    )
    reports = list(islice(found, limit))
    if as_json:
        session.json({"reports": [report.model_dump(mode="json") for report in reports]})
    else:
        session.out.print(_table(reports) if reports else "There are no such reports.")


def _table(reports: Sequence[Report]) -> Table:
    now = datetime.now(UTC)
    owned = any(report.owner != ANONYMOUS for report in reports)
    tagged = any(report.tags for report in reports)
    more = [name for name, is_shown in (("owner", owned), ("tags", tagged)) if is_shown]
    names = ("id", "kind", "status", "requested", "took", *more)
    table = Table(*names, box=None, pad_edge=False, header_style="dim")
    table.columns[0].no_wrap = True
    for report in reports:
        table.add_row(
            str(report.id),
            report.kind,
            formatting.status_of(report),
            formatting.ago(report.created_at, now),
            formatting.took(report),
            *([formatting.owner(report.owner, report.tenant)] if owned else []),
            *([", ".join(report.tags)] if tagged else []),
        )
    return table
