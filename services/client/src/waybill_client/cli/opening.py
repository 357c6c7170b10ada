"""Opens a report's page, or a file that came from a server, in this machine's browser or viewer: to be looked
at, never run."""

import webbrowser
from pathlib import Path

import typer

from waybill_client.cli.arguments import ReportId
from waybill_client.cli.session import ExitCode, Session, session_of

VIEWED = frozenset(
    (
        *(".html", ".htm", ".pdf", ".txt", ".log", ".csv", ".tsv", ".json", ".xml", ".md"),
        *(".xlsx", ".docx", ".pptx", ".ods", ".odt", ".odp"),
        *(".svg", ".png", ".jpg", ".jpeg", ".gif", ".webp"),
    )
)
"""How names of files end that a desktop shows and does not run, as it might a `.desktop` or an `.exe`."""


def register(app: typer.Typer) -> None:
    app.command("open")(open_page)


def open_page(context: typer.Context, report_id: ReportId) -> None:
    """Open a report's page in the browser.

    It prints the page's address, also where there is no browser.
    """
    session = session_of(context)
    page = session.api.page_of(session.api.show(report_id))
    if page is None:
        session.note("This server has no pages: 'waybill show' shows the report here.", quiet=True)
        raise typer.Exit(ExitCode.FAILED)
    session.line(page)
    if not webbrowser.open(page):
        session.note("Not opened: no browser was found.", quiet=True)


def open_file(session: Session, path: Path, *, quiet: bool = False) -> None:
    """Says what came of it. `quiet`: on standard error."""
    if path.suffix.lower() not in VIEWED:
        session.note(f"Not opened: {path.name} is of no sort that is only looked at.", quiet=quiet)
    elif webbrowser.open(path.resolve().as_uri()):
        session.note(f"Opened {path}", quiet=quiet)
    else:
        session.note(f"Not opened: no browser or viewer was found for {path}.", quiet=quiet)
