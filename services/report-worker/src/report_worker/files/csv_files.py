"""CSV by RFC 4180, in UTF-8: a file for each result."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from report_worker.files.data_steps import data_files
from report_worker.files.data_text import TEXT, as_text, content, is_text, joined
from report_worker.files.document import Document
from report_worker.files.reading import Source
from waybill.kinds import Artefact

MEDIA_TYPE = "text/csv; charset=utf-8; header=present"

_FORMULA = r"^[=+\-@\t\r]"
"""With what a text begins that a spreadsheet would run."""
_QUOTED = r'^$|^\s|\s$|[",;\r\n\t]'
"""What must be in quotes; an empty text, because null is nothing at all."""
_BOM = b"\xef\xbb\xbf"


def write_csv(document: Document, folder: Path, *, bom: bool = False) -> list[Artefact]:
    """Texts that a spreadsheet would take for a formula begin with an apostrophe; numbers stay as they are.
    `bom`: a byte order mark at the start, by which old versions of Excel know UTF-8."""
    written = []
    for result, path in data_files(document, folder, "csv"):
        with Source(result) as source, path.open("wb") as file:
            file.write(_BOM if bom else b"")
            _write(source, file)
        written.append(Artefact(path, MEDIA_TYPE, path.name))
    return written


def _write(source: Source, file: BinaryIO) -> None:
    _write_rows([pa.array([name], TEXT) for name in source.names], [True] * len(source.names), file)
    texts = [is_text(kind) for kind in source.types]
    for batch in source.batches():
        _write_rows(batch.columns, texts, file)


def _write_rows(columns: Sequence[pa.Array], texts: Sequence[bool], file: BinaryIO) -> None:
    lines = pc.binary_join_element_wise(
        *_fields(columns, texts), pa.scalar(",", TEXT), null_handling="replace", null_replacement=""
    )
    file.write(content(joined(lines, "\r\n")))


def _fields(columns: Sequence[pa.Array], texts: Sequence[bool]) -> Iterator[pa.Array]:
    for column, text in zip(columns, texts, strict=True):
        yield _escaped(column) if text else as_text(column)


def _escaped(column: pa.Array) -> pa.Array:
    column = pc.replace_substring(column, "\0", "\ufffd")
    formulas = pc.match_substring_regex(column, _FORMULA)
    if pc.any(formulas).as_py():
        column = pc.if_else(formulas, joined("'", column), column)
    special = pc.match_substring_regex(column, _QUOTED)
    if not pc.any(special).as_py():
        return column
    return pc.if_else(special, joined('"', pc.replace_substring(column, '"', '""'), '"'), column)
