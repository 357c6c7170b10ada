"""The commands that change reports, one or all that fit: cancel, retry, delete."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import typer

from waybill_client import Operation, OperationAction, Status
from waybill_client.cli.arguments import AsJson, Pairs
from waybill_client.cli.dead_letters import FromStart
from waybill_client.cli.escaping import one_line
from waybill_client.cli.listing import Time
from waybill_client.cli.parameters import parse_parameters
from waybill_client.cli.reports import exit_by, follow_to_end
from waybill_client.cli.session import ExitCode, Session, session_of
from waybill_client.cli.trace import as_report_id

_LOOK_SECONDS = 0.5
_DONE = {
    OperationAction.CANCEL: "cancelled",
    OperationAction.RETRY: "restarted",
    OperationAction.DELETE: "deleted",
}

ReportId = Annotated[
    UUID | None,
    typer.Argument(metavar="[ID]", help="The report's id. Without it, all that fit.", parser=as_report_id),
]
Statuses = Annotated[
    list[Status] | None, typer.Option("--status", help="Those with this status. Repeatable.")
]
Kinds = Annotated[list[str] | None, typer.Option("--kind", help="Those of this kind. Repeatable.")]
Owner = Annotated[str | None, typer.Option("--owner", help="Those of this owner.")]
Tag = Annotated[str | None, typer.Option("--tag", metavar="TEXT", help="Those with this tag.")]
Error = Annotated[
    str | None,
    typer.Option("--error", metavar="TEXT", help="Those whose error has this in its message."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say how many fit, and do nothing.")]


def register(app: typer.Typer) -> None:
    for command in (cancel, retry, delete):
        app.command()(command)


def cancel(
    context: typer.Context,
    report_id: ReportId = None,
    status: Statuses = None,
    kind: Kinds = None,
    owner: Owner = None,
    tag: Tag = None,
    since: Time = None,
    until: Time = None,
    error: Error = None,
    pairs: Pairs = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Cancel a report, or all for which the options hold.

    One that waits ends at once; one that runs ends before its next step,
    or is stopped by force a few seconds later.
    """
    wanted = _wanted(status, kind, owner, tag, since, until, error, pairs)
    session = session_of(context)
    if one := _one(report_id, wanted):
        report = session.api.cancel(one)
        if as_json:
            session.json(report)
        else:
            session.line("cancelled" if report.ended else "its worker is asked to end it")
        return
    _many(session, OperationAction.CANCEL, wanted, yes=yes, dry_run=dry_run, as_json=as_json)


def retry(
    context: typer.Context,
    report_id: ReportId = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Of one: stay and show its status until it ends.")
    ] = False,
    from_start: FromStart = False,
    status: Statuses = None,
    kind: Kinds = None,
    owner: Owner = None,
    tag: Tag = None,
    since: Time = None,
    until: Time = None,
    error: Error = None,
    pairs: Pairs = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Restart a report that failed or was cancelled, in its trace, or all
    for which the options hold.

    Steps whose results are stored do not run again.
    """
    wanted = _wanted(status, kind, owner, tag, since, until, error, pairs)
    session = session_of(context)
    one = _one(report_id, wanted)
    if one is None:
        if follow or from_start:
            raise typer.BadParameter("--follow and --from-start are for one report: give its ID.")
        _many(session, OperationAction.RETRY, wanted, yes=yes, dry_run=dry_run, as_json=as_json)
        return
    report = session.api.retry(one, from_start=from_start)
    if follow:
        exit_by(follow_to_end(session, report.id, quiet=as_json))
    elif as_json:
        session.json(report)
    else:
        session.line(str(report.id))


def delete(
    context: typer.Context,
    report_id: ReportId = None,
    status: Statuses = None,
    kind: Kinds = None,
    owner: Owner = None,
    tag: Tag = None,
    since: Time = None,
    until: Time = None,
    error: Error = None,
    pairs: Pairs = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Delete a report that has ended, with its files, or all for which the
    options hold. They do not come back.
    """
    wanted = _wanted(status, kind, owner, tag, since, until, error, pairs)
    session = session_of(context)
    if one := _one(report_id, wanted):
        report = session.api.delete(one)
        session.json(report) if as_json else session.line("deleted")
        return
    _many(session, OperationAction.DELETE, wanted, yes=yes, dry_run=dry_run, as_json=as_json)


def _wanted(
    status: Sequence[Status] | None,
    kind: Sequence[str] | None,
    owner: str | None,
    tag: str | None,
    since: datetime | None,
    until: datetime | None,
    error: str | None,
    pairs: list[str] | None,
) -> dict[str, Any]:
    """What was given, as the client takes it."""
    given = {
        "status": status,
        "kind": kind,
        "owner": owner,
        "tag": tag,
        "since": since,
        "until": until,
        "error": error,
        "parameters": parse_parameters(pairs or [], None),
    }
    return {name: value for name, value in given.items() if value}


def _one(report_id: UUID | None, wanted: dict[str, Any]) -> UUID | None:
    """The one that is meant, if it is one. Raises a usage error where it is not said which are meant."""
    if (report_id is None) == (not wanted):
        raise typer.BadParameter("Give either the ID of a report, or options that say which are meant.")
    return report_id


def _many(
    session: Session,
    action: OperationAction,
    wanted: dict[str, Any],
    *,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Says how many fit, asks, and shows how far it is."""
    counted = session.api.count_matching(action, **wanted)
    many = f"{counted.matched}{' or more' if counted.matched_more else ''}"
    if dry_run or not (counted.matched or counted.matched_more):
        session.json(counted) if as_json else session.line(f"{many} would be {_DONE[action]}")
        return
    if not yes:
        typer.confirm(f"{many} reports will be {_DONE[action]}. Go on?", abort=True, err=True)
    expected = None if counted.matched_more else counted.matched
    operation = session.api.start_operation(action, expected=expected, **wanted)
    ended = _watched(session, operation, lambda line: session.note(line, quiet=True))
    if as_json:
        session.json(ended)
    else:
        session.line(f"{ended.done} {_DONE[action]}, {ended.skipped} skipped, {ended.failed} failed")
    for one in ended.reasons:
        session.err.print(one_line(f"{one.report_id}: {one.reason}"), soft_wrap=True)
    if ended.error:
        session.err.print(one_line(ended.error), soft_wrap=True)
    if ended.failed or ended.state != "done":
        raise typer.Exit(ExitCode.FAILED)


def _watched(session: Session, operation: Operation, say: Callable[[str], None]) -> Operation:
    """The operation at its end."""
    said = -1
    while not operation.ended:
        if operation.handled != said:
            said = operation.handled
            say(f"{said} of {operation.matched}{' or more' if operation.matched_more else ''}")
        time.sleep(_LOOK_SECONDS)
        operation = session.api.operation(operation.id)
    return operation
