"""`waybill artefacts`: the files of a report; and how commands save them."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from waybill_client import Report
from waybill_client.cli import formatting
from waybill_client.cli.arguments import AsJson, ReportId
from waybill_client.cli.files import writing
from waybill_client.cli.opening import open_file
from waybill_client.cli.session import Session, session_of


def register(app: typer.Typer) -> None:
    app.command()(artefacts)


def artefacts(
    context: typer.Context,
    report_id: ReportId,
    save: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write them there; the folder is made if it is missing."),
    ] = None,
    output: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only those that are this output of the kind.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the files that a report produced, or save them.

    Each has its own name in the folder; a file that is there is replaced.
    Their checksums are verified. Where one cannot be fetched, those
    before it stay.
    """
    session = session_of(context)
    report = session.api.show(report_id)
    if save is None:
        _list(session, report, output, as_json=as_json)
        return
    with writing(save):
        paths = session.api.download_all(report, save, output)
    if as_json:
        session.json({"saved": [str(path) for path in paths]})
        return
    for path in paths:
        session.line(str(path))


def save_artefacts(session: Session, report: Report, path: Path, *, quiet: bool = False) -> Path:
    """One file goes to `path`, or into it if it is a folder; several go into that folder, which is made.
    Returns where the first is. `quiet`: what it says goes to standard error."""
    with writing(path):
        if len(report.artefacts) > 1:
            paths = session.api.download_all(report, path)
        else:
            paths = (session.api.download(report, path),)
    for one in paths:
        session.note(f"Saved {one}", quiet=quiet)
    return paths[0]


def open_artefact(session: Session, report: Report, saved: Path | None, *, quiet: bool = False) -> None:
    """The first, where it is saved; else in a new temporary folder, which stays for the viewer to read."""
    if saved is None:
        folder = Path(tempfile.mkdtemp(prefix="waybill-"))
        with writing(folder):
            saved = session.api.download(report, folder)
        session.note(f"Saved {saved}", quiet=quiet)
    open_file(session, saved, quiet=quiet)


def _list(session: Session, report: Report, output: str | None, *, as_json: bool) -> None:
    found = [one for one in report.artefacts if output is None or one.output == output]
    if as_json:
        session.json({"artefacts": [one.model_dump(mode="json") for one in found]})
        return
    table = Table("file", "output", "type", "size", box=None, pad_edge=False, header_style="dim")
    for one in found:
        table.add_row(one.filename, one.output or "-", one.media_type, formatting.size(one.size))
    nothing = f"There are no such artefacts; the report's status is {report.status}."
    session.out.print(table if found else nothing)
