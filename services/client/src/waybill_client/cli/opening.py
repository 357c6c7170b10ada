"""Opens a file that came from a server in this machine's browser or viewer: to be looked at, never run."""

import webbrowser
from pathlib import Path

from waybill_client.cli.session import Session

VIEWED = frozenset(
    (
        *(".html", ".htm", ".pdf", ".txt", ".log", ".csv", ".tsv", ".json", ".xml", ".md"),
        *(".xlsx", ".docx", ".pptx", ".ods", ".odt", ".odp"),
        *(".svg", ".png", ".jpg", ".jpeg", ".gif", ".webp"),
    )
)
"""How names of files end that a desktop shows and does not run, as it might a `.desktop` or an `.exe`."""


def open_file(session: Session, path: Path, *, quiet: bool = False) -> None:
    """Says what came of it. `quiet`: on standard error."""
    if path.suffix.lower() not in VIEWED:
        session.note(f"Not opened: {path.name} is of no sort that is only looked at.", quiet=quiet)
    elif webbrowser.open(path.resolve().as_uri()):
        session.note(f"Opened {path}", quiet=quiet)
    else:
        session.note(f"Not opened: no browser or viewer was found for {path}.", quiet=quiet)
