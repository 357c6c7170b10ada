"""`waybill limits`: how much tenants and owners may have at once."""

from typing import Annotated

import typer
from rich.table import Table

from waybill_client import Level, Limits, Usage
from waybill_client.cli import formatting
from waybill_client.cli.session import Session, session_of

_VALUES = (
    "weight",
    "max_queued",
    "max_running",
    "max_requests_per_minute",
    "max_streams",
    "max_kept_bytes",
)
_HEADINGS = ("weight", "queued", "running", "requests/min", "streams", "kept bytes")

Tenant = Annotated[
    str | None, typer.Option(metavar="NAME", help="The tenant; each that has no value of its own, if none.")
]
OwnerName = Annotated[str | None, typer.Option(metavar="NAME", help="The owner, of a tenant that is given.")]
EachOwner = Annotated[
    bool, typer.Option("--each-owner", help="Each owner that has no value of its own, not the tenant.")
]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, for a script.")]


def _most(name: str, what: str) -> typer.models.OptionInfo:
    return typer.Option(name, metavar="NUMBER", min=0, help=what)  # type: ignore[no-any-return] # typer's


def register(app: typer.Typer) -> None:
    limits = typer.Typer(
        no_args_is_help=True, help="Limits of tenants and owners: list, set and remove them, and see usage."
    )
    limits.command("list")(list_limits)
    limits.command("set")(set_limits)
    limits.command("remove")(remove)
    limits.command("usage")(usage)
    app.add_typer(limits, name="limits")


def list_limits(context: typer.Context, as_json: AsJson = False) -> None:
    """List the limits that are set."""
    session = session_of(context)
    found = session.api.limits()
    if as_json:
        session.json({"limits": [one.model_dump(mode="json") for one in found]})
        return
    table = _table("of")
    for one in found:
        table.add_row(_whose(one), *_values(one))
    session.out.print(table if found else "No limits are set.")


def set_limits(
    context: typer.Context,
    tenant: Tenant = None,
    owner: OwnerName = None,
    each_owner: EachOwner = False,
    weight: Annotated[
        int | None,
        typer.Option(metavar="1-100", min=1, max=100, help="Twice the weight has twice as much under way."),
    ] = None,
    queued: Annotated[int | None, _most("--queued", "Reports that wait.")] = None,
    running: Annotated[int | None, _most("--running", "Reports under way; further ones wait.")] = None,
    requests_per_minute: Annotated[
        int | None, _most("--requests-per-minute", "Reports that are requested in a minute.")
    ] = None,
    streams: Annotated[int | None, _most("--streams", "Status streams that are open.")] = None,
    kept_bytes: Annotated[int | None, _most("--kept-bytes", "Of the artefacts that are kept.")] = None,
    as_json: AsJson = False,
) -> None:
    """Set the limits of a tenant or an owner, instead of all that it has. They hold at once.

    waybill limits set --queued 1000                       each tenant
    waybill limits set --tenant acme --queued 5000         the tenant acme
    waybill limits set --each-owner --queued 100           each owner
    waybill limits set --tenant acme --owner ada --streams 5
    """
    session = session_of(context)
    wanted = Limits(
        level=_level(owner, each_owner=each_owner),
        tenant=tenant,
        owner=owner,
        weight=weight,
        max_queued=queued,
        max_running=running,
        max_requests_per_minute=requests_per_minute,
        max_streams=streams,
        max_kept_bytes=kept_bytes,
    )
    _print(session, session.api.set_limits(wanted), as_json=as_json)


def remove(
    context: typer.Context,
    tenant: Tenant = None,
    owner: OwnerName = None,
    each_owner: EachOwner = False,
    as_json: AsJson = False,
) -> None:
    """Remove the limits of a tenant or an owner, and print what they were. Those of each then hold."""
    session = session_of(context)
    removed = session.api.remove_limits(_level(owner, each_owner=each_owner), tenant, owner)
    _print(session, removed, as_json=as_json)


def usage(
    context: typer.Context,
    tenant: Annotated[str | None, typer.Option(metavar="NAME", help="The tenant; your own if none.")] = None,
    owner: Annotated[
        str | None, typer.Option(metavar="NAME", help="One owner of it; all together if none.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What a tenant or an owner has now, and the limits that hold for it."""
    session = session_of(context)
    found = session.api.usage(tenant, owner)
    if as_json:
        session.json(found)
        return
    table = _table(_whose(found.limits))
    table.add_row("now", *_used(found))
    table.add_row("at most", *_values(found.limits))
    session.out.print(table)


def _level(owner: str | None, *, each_owner: bool) -> Level:
    if owner is not None and each_owner:
        raise typer.BadParameter("give a name, or --each-owner", param_hint="--owner")
    return Level.OWNER if owner is not None or each_owner else Level.TENANT


def _whose(limits: Limits) -> str:
    if limits.level is Level.TENANT:
        return f"tenant {limits.tenant}" if limits.tenant else "each tenant"
    if limits.owner and limits.tenant:
        return formatting.owner(limits.owner, limits.tenant)
    return f"each owner of {limits.tenant}" if limits.tenant else "each owner"


def _values(limits: Limits) -> list[str]:
    values = (getattr(limits, name) for name in _VALUES)
    return ["-" if value is None else str(value) for value in values]


def _used(usage: Usage) -> list[str]:
    kept = "-" if usage.kept_bytes is None else str(usage.kept_bytes)
    return ["", str(usage.queued), str(usage.running), str(usage.requests), str(usage.streams), kept]


def _table(first: str) -> Table:
    return Table(first, *_HEADINGS, box=None, pad_edge=False, header_style="dim")


def _print(session: Session, limits: Limits, *, as_json: bool) -> None:
    if as_json:
        session.json(limits)
        return
    shown = ((heading, value) for heading, value in zip(_HEADINGS, _values(limits), strict=True))
    session.line(
        f"{_whose(limits)}: " + ", ".join(f"{name} {value}" for name, value in shown if value != "-")
    )
