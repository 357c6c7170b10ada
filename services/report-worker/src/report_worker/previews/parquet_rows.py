"""The first rows of a Parquet file."""

from datetime import date, datetime, time
from itertools import islice
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from report_worker.previews.rows import MAX_COLUMNS, MAX_ROWS, Cell, ColumnType, Rows, cut

_MOST_READ: Final = 32 * 2**20
"""Bytes of the first group of rows, unpacked: a reader takes whole pages into memory."""


def parquet_rows(path: Path) -> Rows | None:
    """None where the first group of rows is too large. Raises `pyarrow.ArrowException` and `OSError`."""
    with pq.ParquetFile(path, pre_buffer=False) as file:
        schema = file.schema_arrow
        columns = range(min(len(schema.names), MAX_COLUMNS))
        names = [schema.names[index] for index in columns]
        rows: list[list[Cell]] = []
        if file.num_row_groups and names:
            group = file.metadata.row_group(0)
            if group.total_byte_size > _MOST_READ:
                return None
            # one at a time: many rows may repeat a long text that the file has once
            batches = file.iter_batches(batch_size=1, row_groups=[0], columns=names, use_threads=False)
            rows = [_row(batch) for batch in islice(batches, MAX_ROWS)]
        return Rows(
            names=[cut(name) for name in names],
            types=[_type(schema.field(index).type) for index in columns],
            rows=rows,
            rows_in_all=file.metadata.num_rows,
            columns_in_all=len(schema.names),
        )


def _row(batch: pa.RecordBatch) -> list[Cell]:
    return [_cell(column[0].as_py()) for column in batch.columns]


def _cell(value: Any) -> Cell:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    return cut(str(value))


def _type(of: pa.DataType) -> ColumnType:
    if pa.types.is_boolean(of):
        return "boolean"
    if pa.types.is_integer(of) or pa.types.is_floating(of) or pa.types.is_decimal(of):
        return "number"
    return "time" if pa.types.is_temporal(of) else "text"
