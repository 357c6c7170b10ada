"""Reads the result of a step, in pieces that fit into memory."""

from collections.abc import Iterator, Sequence
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import types

from report_worker.files.document import Result
from report_worker.files.normal import normal, normal_type
from waybill.errors import PermanentError

_BATCH_BYTES = 4 * 2**20
_BATCH_ROWS = 8192


class Source:
    """An open result. `schema` is that of the file; `types` are those of the columns of its batches."""

    def __init__(self, result: Result) -> None:
        self.name = result.name
        # Read page by page: a row group may be larger than what a slot has.
        self._file = pq.ParquetFile(result.path, buffer_size=2**20, pre_buffer=False, memory_map=False)
        self.schema: pa.Schema = self._file.schema_arrow
        self.rows: int = self._file.metadata.num_rows
        self.names: list[str] = list(self.schema.names)
        self.types: list[pa.DataType] = [normal_type(field.type) for field in self.schema]
        self._batch_rows = self._fitting_rows()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def find(self, name: str) -> int:
        """Which column has this name; in other letters only if no other has it. Raises `PermanentError`."""
        if name in self.names:
            return self.names.index(name)
        alike = [place for place, one in enumerate(self.names) if one.lower() == name.lower()]
        if len(alike) != 1:
            there = ", ".join(self.names[:20]) + (", …" if len(self.names) > 20 else "")
            raise PermanentError(
                f"{name}: the result of step {self.name} has no such column; it has {there}."
            )
        return alike[0]

    def batches(self, columns: Sequence[int] | None = None) -> Iterator[pa.RecordBatch]:
        """All rows in order, with the columns `c0`, `c1`, …, in normal types: of all, or of those."""
        chosen = range(len(self.names)) if columns is None else columns
        schema = pa.schema([pa.field(f"c{place}", self.types[place]) for place in chosen])
        if not schema:
            return
        for batch in self._raw(chosen):
            yield pa.RecordBatch.from_arrays([normal(one) for one in batch], schema=schema)

    def raw_batches(self) -> Iterator[pa.RecordBatch]:
        """All rows and columns as the file has them."""
        return self._file.iter_batches(self._batch_rows, use_threads=False)  # type: ignore[no-any-return]

    def head(self, rows: int, columns: Sequence[int] | None = None) -> pa.Table:
        """The first rows."""
        chosen = range(len(self.names)) if columns is None else columns
        schema = pa.schema([pa.field(f"c{place}", self.types[place]) for place in chosen])
        taken, left = [], rows
        for batch in self.batches(chosen):
            taken.append(batch.slice(0, left))
            left -= min(left, batch.num_rows)
            if not left:
                break
        return pa.Table.from_batches(taken, schema)

    def reader(self, columns: Sequence[int]) -> pa.RecordBatchReader:
        """The same as `batches`, for DuckDB: decimals of more digits than it has are floats."""
        kinds = [pa.float64() if types.is_decimal256(self.types[one]) else self.types[one] for one in columns]
        schema = pa.schema([pa.field(f"c{place}", kind) for place, kind in zip(columns, kinds, strict=True)])
        return pa.RecordBatchReader.from_batches(schema, (one.cast(schema) for one in self.batches(columns)))

    def _raw(self, chosen: Sequence[int]) -> Iterator[list[pa.Array]]:
        names = [self.names[place] for place in chosen]
        if len(set(self.names)) < len(self.names) or any("." in name for name in names):
            for batch in self.raw_batches():
                yield [batch.column(place) for place in chosen]
            return
        for batch in self._file.iter_batches(self._batch_rows, columns=names, use_threads=False):
            yield [batch.column(name) for name in names]

    def _fitting_rows(self) -> int:
        meta = self._file.metadata
        groups = [meta.row_group(number) for number in range(meta.num_row_groups)]
        widest = max((one.total_byte_size / max(one.num_rows, 1) for one in groups), default=1.0)
        return int(max(64, min(_BATCH_ROWS, _BATCH_BYTES / max(widest, 1))))
