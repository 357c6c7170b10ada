"""`waybill preview`, for those who write definitions of reports.

The client's command finds it by the entry-point group `waybill.commands`. What it works with is imported when
it runs.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from waybill.errors import WaybillError

_FAILED = 1


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(preview)


def preview(
    definition: Annotated[Path, typer.Argument(metavar="FILE", help="A definition of a report, in YAML.")],
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "-p", "--parameter", metavar="NAME=VALUE", help="A parameter. JSON, or else text. Repeatable."
        ),
    ] = None,
    output: Annotated[
        list[str] | None,
        typer.Option("--output", metavar="NAME", help="html, pdf, xlsx, csv, parquet or json. Repeatable."),
    ] = None,
    sources: Annotated[
        Path | None,
        typer.Option(envvar="WAYBILL_SOURCES", metavar="FILE", help="What definitions read from, in YAML."),
    ] = None,
    to: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the files are written.")] = Path(
        "preview"
    ),
    opens: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in a browser.")] = True,
) -> None:
    """Run a definition here, without a server, and open its page.

    It ends with 1 when the definition is wrong, or a step failed, and says where.
    """
    from report_worker.query.preview import Preview

    try:
        done = Preview(definition, sources, to, _say).run(parameter or [], output or [], opens=opens)
    except WaybillError as error:
        sys.stderr.write(f"{_visible(str(error))}\n")
        raise typer.Exit(_FAILED) from error
    except ValueError as error:
        raise typer.BadParameter(_visible(str(error)), param_hint="-p") from error
    if not done:
        raise typer.Exit(_FAILED)


def _say(line: str) -> None:
    typer.echo(_visible(line))


def _visible(text: str) -> str:
    """With escapes for what a terminal would obey: data and servers have a part in it."""
    return "".join(
        one if one.isprintable() or one == "\n" else one.encode("unicode_escape").decode() for one in text
    )
