"""`waybill kinds`: what can be requested, and with which parameters."""

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from waybill_client import KindInfo, KindList
from waybill_client.cli.escaping import one_line, shown
from waybill_client.cli.parameters import describe_type, write_pair
from waybill_client.cli.session import session_of


def register(app: typer.Typer) -> None:
    app.command()(kinds)


def kinds(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Only this kind, with its parameters.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with each kind's JSON Schema.")] = False,
) -> None:
    """Show the kinds of report, or one kind's parameters."""
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
        table.add_row(kind.name, kind.title, kind.description)
    for broken in listed.unavailable:
        table.add_row(broken.name, Text("cannot be used", style="red"), broken.reason)
    return table


def _describe(context: typer.Context, kind: KindInfo) -> None:
    session = session_of(context)
    text = shown(f": {kind.title}. {kind.description}\n")
    session.out.print(Text.assemble((shown(kind.name), "bold"), text))
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
