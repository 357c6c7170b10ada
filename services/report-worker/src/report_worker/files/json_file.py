"""JSON: all results in one file, written row by row."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from report_worker.files.data_steps import data_results
from report_worker.files.data_text import TEXT, as_text, content, is_bare, is_text, joined
from report_worker.files.document import Document
from report_worker.files.filling import Values, heading
from report_worker.files.naming import file_name
from report_worker.files.reading import Source
from report_worker.files.words import as_json
from waybill.kinds import Artefact

MEDIA_TYPE = "application/json"

_ESCAPES = (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))
_CONTROL = "[\\x00-\\x1f]"


def write_json(document: Document, folder: Path) -> list[Artefact]:
    """`report`, `parameters`, `missing` (reasons by step) and `results` (rows by step)."""
    path = folder / file_name(document.definition, document.parameters, "json")
    with path.open("wb") as file:
        file.write(_opening(document).encode())
        for number, result in enumerate(data_results(document)):
            file.write((",\n" if number else "\n").encode() + _text(result.name).encode() + b": [")
            with Source(result) as source:
                _write_rows(source, file)
            file.write(b"\n]")
        file.write(b"\n}}\n")
    return [Artefact(path, MEDIA_TYPE, path.name)]


def _opening(document: Document) -> str:
    definition = document.definition
    report = {"kind": f"query:{definition.name}", "title": definition.title}
    report["heading"] = heading(document, Values(document))
    parameters = {name: as_json(value) for name, value in document.parameters.items()}
    opening = {"report": report, "parameters": parameters, "missing": dict(document.missing)}
    return _text(opening)[:-1] + ',\n"results": {'


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _write_rows(source: Source, file: BinaryIO) -> None:
    writers = [_writer(field.type, kind) for field, kind in zip(source.schema, source.types, strict=True)]
    keys = [_text(name) + ":" for name in source.names]
    first = True
    for batch in source.batches():
        if not batch.num_rows:
            continue
        lines = _lines(keys, [write(column) for write, column in zip(writers, batch.columns, strict=True)])
        written = content(joined(",\n", lines))
        file.write(written[1:] if first else written)  # no comma before the first
        first = False


def _lines(keys: Sequence[str], columns: Sequence[pa.Array]) -> pa.Array:
    parts: list[pa.Array | pa.Scalar] = []
    for number, (key, column) in enumerate(zip(keys, columns, strict=True)):
        parts += [pa.scalar(("," if number else "{") + key, TEXT), column]
    return pc.binary_join_element_wise(
        *parts, pa.scalar("}", TEXT), pa.scalar("", TEXT), null_handling="replace", null_replacement="null"
    )


def _writer(given: pa.DataType, normal: pa.DataType) -> Callable[[pa.Array], pa.Array]:
    """How values of a column are written: by the type that the file has, and the normal one."""
    if types.is_nested(given):
        return lambda column: column  # JSON already
    if isinstance(given, pa.BaseExtensionType) and given.extension_name == "arrow.json":
        return lambda column: pa.array([_checked(one) for one in column.to_pylist()], TEXT)
    if is_text(normal):
        return _quoted
    if types.is_floating(normal):
        return lambda column: as_text(pc.if_else(pc.is_finite(column), column, pa.scalar(None, pa.float64())))
    if is_bare(normal):
        return as_text
    return lambda column: joined('"', as_text(column), '"')


def _quoted(column: pa.Array) -> pa.Array:
    escaped = column
    for plain, written in _ESCAPES:
        escaped = pc.replace_substring(escaped, plain, written)
    if pc.any(pc.match_substring_regex(escaped, _CONTROL)).as_py():
        return pa.array([None if one is None else _text(one) for one in column.to_pylist()], TEXT)
    return joined('"', escaped, '"')


def _checked(words: str | None) -> str | None:
    """JSON as it is; as a text what is none, such as `NaN`."""
    if words is None:
        return None
    try:
        json.loads(words, parse_constant=_refuse)
    except ValueError:
        return _text(words)
    return words


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)
