"""`waybill kinds`: what can be requested, and with which parameters; and how much of it may run."""

import json
import shlex
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from waybill_client import KindInfo, KindList
from waybill_client.cli import formatting
from waybill_client.cli.escaping import one_line, shown
from waybill_client.cli.parameters import describe_type, write_pair
from waybill_client.cli.session import session_of


class _ShowsByDefault(TyperGroup):
    """`waybill kinds NAME` is `waybill kinds show NAME`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        is_command = bool(args) and (args[0] in self.commands or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if is_command else [show.__name__, *args])


def register(app: typer.Typer) -> None:
    kinds = typer.Typer(
        cls=_ShowsByDefault,
        help="Kinds of report: show them, or one by its name; pause or limit one.",
    )
    for command in (show, pause, resume, limit):
        kinds.command()(command)
    app.add_typer(kinds, name="kinds")


KindName = Annotated[str, typer.Argument(metavar="NAME", help="The kind; 'waybill kinds' lists them.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, for a script.")]


def as_number(text: str) -> int:
    """Below 0 for 'none'."""
    if text == "none":
        return -1
    if not (text.isascii() and text.isdecimal()):
        raise typer.BadParameter(f"{text!r} is neither a number nor 'none'.", param_hint="NUMBER")
    return int(text)


def pause(
    context: typer.Context,
    name: KindName,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why, for people.")] = None,
    as_json: AsJson = False,
) -> None:
    """Let no report of a kind start any more, in any tenant.

    Requests are accepted, and wait. Reports that run go on.
    """
    session = session_of(context)
    changed = session.api.pause_kind(name, reason)
    session.json(changed) if as_json else session.line("paused")


def resume(context: typer.Context, name: KindName, as_json: AsJson = False) -> None:
    """Let reports of a paused kind start again."""
    session = session_of(context)
    changed = session.api.resume_kind(name)
    session.json(changed) if as_json else session.line("resumed")


def limit(
    context: typer.Context,
    name: KindName,
    number: Annotated[
        int, typer.Argument(metavar="NUMBER", help="How many; 'none' for any number.", parser=as_number)
    ],
    as_json: AsJson = False,
) -> None:
    """Set how many reports of a kind run at once, in all tenants. Reports that run go on."""
    session = session_of(context)
    changed = session.api.limit_kind(name, None if number < 0 else number)
    session.json(changed) if as_json else session.line("set")


def show(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Only this kind, with its parameters.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with each kind's JSON Schema.")] = False,
) -> None:
    """Show the kinds of report, or one kind's parameters. 'waybill kinds NAME' does the same."""
    session = session_of(context)
    listed = session.api.kind_list()
    if name is not None:
        listed = _chosen(listed, name)
    if as_json:
        session.json(listed.model_dump(mode="json"))
    elif name is None:
        session.out.print(_overview(listed))
    else:
        _describe(context, listed.kinds[0])


def _chosen(listed: KindList, name: str) -> KindList:
    for broken in listed.unavailable:
        if broken.name == name:
            raise typer.BadParameter(
                f"the kind {name} cannot be used: {one_line(broken.reason)}", param_hint="NAME"
            )
    chosen = tuple(kind for kind in listed.kinds if kind.name == name)
    if not chosen:
        names = one_line(", ".join(kind.name for kind in listed.kinds))
        raise typer.BadParameter(f"there is no kind {name!r}. The kinds are: {names}.", param_hint="NAME")
    return KindList(kinds=chosen)


def _overview(listed: KindList) -> Table:
    table = Table("kind", "title", "description", box=None, pad_edge=False, header_style="dim")
    for kind in listed.kinds:
        table.add_row(kind.name, kind.title, Text.assemble(kind.description, *_state(kind)))
    for broken in listed.unavailable:
        table.add_row(broken.name, Text("cannot be used", style="red"), broken.reason)
    return table


def _state(kind: KindInfo) -> Iterator[tuple[str, str]]:
    """What keeps its reports from starting, if something does."""
    if kind.paused_at:
        why = f": {one_line(kind.reason)}" if kind.reason else ""
        yield f" (paused {formatting.ago(kind.paused_at, datetime.now(UTC))}{why})", "red"
    if kind.max_running is not None:
        yield f" (at most {kind.max_running} at once)", "yellow"
    if kind.offered_by == 0:
        yield " (no worker offers it)", "red"


def _describe(context: typer.Context, kind: KindInfo) -> None:
    session = session_of(context)
    text = shown(f": {kind.title}. {kind.description}\n")
    session.out.print(Text.assemble((shown(kind.name), "bold"), text, *_state(kind)))
    if kind.outputs:
        first, *others = kind.outputs
        session.line(f"Outputs: {', '.join([f'{first} (without --output)', *others])}")
    table = Table("parameter", "type", "default", "description", box=None, pad_edge=False, header_style="dim")
    required = kind.parameters.get("required", ())
    for name, schema in _properties(kind.parameters):
        default = "required" if name in required else json.dumps(schema.get("default"))
        table.add_row(name, describe_type(schema), default, schema.get("description", ""))
    session.out.print(table)
    examples = kind.parameters.get("examples", ())
    if examples:
        session.out.print("\nFor example:", style="dim")
    for example in examples:
        session.line(f"  {_command(kind.name, example)}")


def _properties(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every parameter, with references to shared definitions followed."""
    definitions = schema.get("$defs", {})
    for name, own in schema.get("properties", {}).items():
        reference = own.get("$ref", "").rpartition("/")[2]
        yield name, {**definitions.get(reference, {}), **own}


def _command(kind: str, example: Mapping[str, Any]) -> str:
    """What a shell takes."""
    pairs = (word for name, value in example.items() for word in ("-p", write_pair(name, value)))
    return shlex.join(["waybill", "request", kind, *pairs, "--follow"])
