"""Writes the file, or the files, of one output."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from report_worker.files.document import Document
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


def import_writers() -> None:
    """Of all outputs, with the libraries that they need."""
    for output in Output:
        _writer(output)


def _writer(output: Output) -> Writer:
    """Imported when it is needed: a preview needs one or two of the libraries."""
    module, function = _WRITERS[output]
    writer: Writer = getattr(import_module(f"report_worker.files.{module}"), function)
    return writer


_WRITERS = {
    Output.HTML: ("html_page", "write_html"),
    Output.PDF: ("pdf", "write_pdf"),
    Output.XLSX: ("xlsx", "write_xlsx"),
    Output.CSV: ("csv_files", "write_csv"),
    Output.PARQUET: ("parquet_files", "write_parquet"),
    Output.JSON: ("json_file", "write_json"),
}
