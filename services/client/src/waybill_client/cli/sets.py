"""`waybill sets`: parameters that are kept under a name."""

from typing import Annotated

import typer
from rich.table import Table

from waybill_client import ParameterSet
from waybill_client.cli.arguments import AsJson, Pairs
from waybill_client.cli.escaping import one_line
from waybill_client.cli.parameters import parse_parameters, write_pair
from waybill_client.cli.session import session_of

Kind = Annotated[str, typer.Argument(metavar="KIND", help="The kind; 'waybill kinds' lists them.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Under which they are kept.")]


def register(app: typer.Typer) -> None:
    sets = typer.Typer(
        no_args_is_help=True,
        help="Parameters that are kept under a name, for 'waybill request KIND --set NAME'.",
    )
    sets.command("list")(list_sets)
    sets.command("show")(show)
    sets.command("save")(save)
    sets.command("remove")(remove)
    app.add_typer(sets, name="sets")


def list_sets(context: typer.Context, kind: Kind, as_json: AsJson = False) -> None:
    """List those that you may use for a kind: your own, and those that are shared in your tenant."""
    session = session_of(context)
    found = session.api.parameter_sets(kind)
    if as_json:
        session.json({"parameter_sets": [one.model_dump(mode="json") for one in found]})
        return
    table = Table("name", "owner", "shared", "parameters", box=None, pad_edge=False, header_style="dim")
    for one in found:
        table.add_row(one.name, one.owner, "yes" if one.shared else "no", ", ".join(_pairs(one)))
    session.out.print(table if found else "There are none.")


def show(context: typer.Context, kind: Kind, name: Name, as_json: AsJson = False) -> None:
    """Show the parameters, each as -p takes it."""
    session = session_of(context)
    found = session.api.parameter_set(kind, name)
    if as_json:
        session.json(found)
        return
    for pair in _pairs(found):
        session.line(pair)


def save(
    context: typer.Context,
    kind: Kind,
    name: Name,
    pairs: Pairs = None,
    parameters: Annotated[
        str | None, typer.Option(metavar="JSON", help="All parameters as a JSON object.")
    ] = None,
    shared: Annotated[
        bool, typer.Option("--shared", help="All of your tenant may use them; for operators and admins.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Keep parameters instead of what you have under this name. They may be some of the kind's."""
    session = session_of(context)
    given = parse_parameters(pairs or [], parameters)
    kept = session.api.save_parameters(kind, name, given, shared=shared)
    session.json(kept) if as_json else session.line("saved")


def remove(context: typer.Context, kind: Kind, name: Name, as_json: AsJson = False) -> None:
    """Remove the parameters of this name."""
    session = session_of(context)
    removed = session.api.remove_parameters(kind, name)
    session.json(removed) if as_json else session.line("removed")


def _pairs(found: ParameterSet) -> list[str]:
    return [one_line(write_pair(name, value)) for name, value in found.parameters.items()]
