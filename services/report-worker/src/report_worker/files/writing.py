"""Writes the file, or the files, of one output."""

from collections.abc import Callable
from pathlib import Path

from report_worker.files.document import Document
from report_worker.files.naming import file_name
from waybill.definitions import Output
from waybill.errors import PermanentError
from waybill.kinds import Artefact

Writer = Callable[[Document, Path], list[Artefact]]


def write(output: str, document: Document, directory: Path) -> list[Artefact]:
    """The files of an output, in a new folder of its name in the directory. Equal documents give equal files,
    byte by byte.

    Raises `PermanentError` where there is no such output, it is `unavailable`, or the document names a column
    or a step that is not there.
    """
    if output not in list(Output):
        raise PermanentError(f"{output}: no such output; choose {', '.join(Output)}.")
    folder = directory / output
    folder.mkdir()
    return _writer(Output(output))(document, folder)


def _writer(output: Output) -> Writer:
    """Imported when it is needed: most reports need one or two of the libraries."""
    return write_html


def write_html(document: Document, folder: Path) -> list[Artefact]:
    from report_worker.files.page import Medium, render

    name = file_name(document.definition, document.parameters, "html")
    path = folder / name
    path.write_text(render(document, Medium.SCREEN), encoding="utf-8")
    return [Artefact(path, "text/html; charset=utf-8", name)]
