"""Which files of a report go into a folder, and under which names: a server's names never lead out of it."""

import unicodedata
from pathlib import Path

from waybill_client.errors import ArtefactError
from waybill_client.models import ArtefactLink, Report


def chosen(report: Report, output: str | None = None) -> tuple[ArtefactLink, ...]:
    """All of the report's, or those that are this output. Raises `ArtefactError` where there is none."""
    if not report.artefacts:
        raise ArtefactError(f"Report {report.id} has no artefact; its status is {report.status}.")
    found = tuple(one for one in report.artefacts if output is None or one.output == output)
    if not found:
        outputs = dict.fromkeys(one.output for one in report.artefacts if one.output)
        there = f"its outputs are {', '.join(outputs)}" if outputs else "its artefacts are no outputs"
        raise ArtefactError(f"Report {report.id} has no output {output}; {there}.")
    return found


def name_in_folder(artefact: ArtefactLink) -> str:
    """The last part of its name. Raises `ArtefactError` where that is none of a file."""
    name = Path(artefact.filename).name
    if name in ("", ".", "..") or "\0" in name:
        raise ArtefactError(f"The name {artefact.filename!r} of an artefact is none of a file.")
    return name


def check_names(artefacts: tuple[ArtefactLink, ...]) -> None:
    """Raises `ArtefactError` where one would replace another: some file systems ignore the case of names."""
    seen: set[str] = set()
    for one in artefacts:
        name = name_in_folder(one)
        key = unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())
        if key in seen:
            raise ArtefactError(f"Two artefacts have the name {name!r}: fetch each by itself.")
        seen.add(key)
