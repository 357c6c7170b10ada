"""Parquet: the results with their types, a file for each."""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from report_worker.files.data_steps import data_files
from report_worker.files.document import Document
from report_worker.files.reading import Source
from report_worker.files.words import as_json
from waybill.kinds import Artefact

MEDIA_TYPE = "application/vnd.apache.parquet"

_GROUP_ROWS, _GROUP_BYTES = 65_536, 8 * 2**20
"""At which size rows are written as a group: readers skip groups, and need one at a time."""


def write_parquet(document: Document, folder: Path) -> list[Artefact]:
    """Metadata: `waybill.kind` has the name of the report, `waybill.parameters` what it was made with."""
    parameters = {name: as_json(value) for name, value in document.parameters.items()}
    metadata = {
        "waybill.kind": f"query:{document.definition.name}",
        "waybill.parameters": json.dumps(parameters, ensure_ascii=False),
    }
    written = []
    for result, path in data_files(document, folder, "parquet"):
        with Source(result) as source:
            _write(source, path, metadata)
        written.append(Artefact(path, MEDIA_TYPE, path.name))
    return written


def _write(source: Source, path: Path, metadata: dict[str, str]) -> None:
    schema = source.schema.with_metadata(metadata)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for table in _groups(source.raw_batches(), source.schema):
            writer.write_table(table.replace_schema_metadata(metadata), row_group_size=table.num_rows)


def _groups(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    held: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        held.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows >= _GROUP_ROWS or size >= _GROUP_BYTES:
            yield pa.Table.from_batches(held, schema)
            held, rows, size = [], 0, 0
    if rows:
        yield pa.Table.from_batches(held, schema)
