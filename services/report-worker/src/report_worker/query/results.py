"""A step's result as a Parquet file, written batch by batch."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from report_worker.files.formats import count_of
from waybill.errors import PermanentError

_DAYS = (-719_162, 2_932_896)
"""1 January 1 and 31 December 9999, from 1970: what Python, and so the files of a report, have dates for."""
_PER_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
_REWRITE_ROWS = 20_000
_GROUP_ROWS, _GROUP_BYTES = 100_000, 16 * 2**20
"""Of a row group: large enough to be read in one go, and small enough to be held in memory."""


def check_names(names: Sequence[str]) -> None:
    """Raises `PermanentError` where a column has no name, or two have the same but for upper and lower case,
    which DuckDB does not tell apart."""
    if any(name.strip() in ("", "?column?") for name in names):
        number = next(at for at, name in enumerate(names, 1) if name.strip() in ("", "?column?"))
        raise PermanentError(f"Column {number} of the result has no name: give it one with AS.")
    if twice := [name for name, count in Counter(map(str.casefold, names)).items() if count > 1]:
        raise PermanentError(
            f"The result has more than one column {twice[0]!r}: give each a name of its own with AS."
        )


class ResultWriter:
    """Writes as rows come, so that memory holds a batch at a time."""

    def __init__(self, path: Path, schema: pa.Schema, max_rows: int) -> None:
        check_names(schema.names)
        self._path = path
        self._max_rows = max_rows
        self._writer = _open(path, schema)
        self._pending: list[pa.RecordBatch] = []
        self.rows = 0

    @property
    def schema(self) -> pa.Schema:
        return self._writer.schema

    def write(self, batch: pa.RecordBatch) -> None:
        """Raises `PermanentError` for more rows than there may be, and for a value that files cannot have."""
        self.rows += batch.num_rows
        if self.rows > self._max_rows:
            raise PermanentError(
                f"The result has more than {count_of(self._max_rows, 'row')}: choose fewer, group them in"
                " SQL, or raise max_rows of the step, or of its source if that has one."
            )
        for field, column in zip(batch.schema, batch.columns, strict=True):
            _check_dates(field, column)
        self._pending.append(batch)
        rows, size = (sum(getattr(one, name) for one in self._pending) for name in ("num_rows", "nbytes"))
        if rows >= _GROUP_ROWS or size >= _GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        """As one row group."""
        if self._pending:
            self._writer.write_table(pa.Table.from_batches(self._pending, self.schema))
            self._pending = []

    def widen(self, schema: pa.Schema) -> None:
        """Changes the types of columns to wider ones. What is written already is rewritten, in parts."""
        self._flush()
        self._writer.close()
        narrow = self._path.with_suffix(".narrow")
        self._path.rename(narrow)
        self._writer = _open(self._path, schema)
        with pq.ParquetFile(narrow, pre_buffer=False) as file:  # without Arrow's threads, which stay
            for batch in file.iter_batches(_REWRITE_ROWS, use_threads=False):
                self._writer.write_batch(batch.cast(schema))
        narrow.unlink()

    def close(self) -> None:
        """What is pending is not written."""
        self._writer.close()

    def finish(self) -> None:
        """Writes what is pending, and closes."""
        self._flush()
        self._writer.close()


@contextmanager
def result_writer(path: Path, max_rows: int) -> Iterator[Callable[[pa.Schema], ResultWriter]]:
    """Opens a writer once the columns are known. Of a result that fails, no file is left."""
    path.parent.mkdir(parents=True, exist_ok=True)
    opened: list[ResultWriter] = []

    def start(schema: pa.Schema) -> ResultWriter:
        opened.append(ResultWriter(path, schema, max_rows))
        return opened[0]

    try:
        yield start
    except BaseException:
        for one in opened:
            one.close()
        path.unlink(missing_ok=True)
        raise
    for one in opened:
        one.finish()


def _open(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(path, schema, compression="zstd", store_schema=True)


def _check_dates(field: pa.Field, column: pa.Array) -> None:
    if pa.types.is_date32(field.type):
        bounds = _DAYS[0], _DAYS[1]
        numbers = column.cast(pa.int32())
    elif pa.types.is_timestamp(field.type) and field.type.unit != "ns":
        day = _PER_DAY[field.type.unit]
        bounds = _DAYS[0] * day, (_DAYS[1] + 1) * day - 1
        numbers = column.cast(pa.int64())
    else:
        return
    found = pc.min_max(numbers).as_py()
    if found["min"] is not None and (found["min"] < bounds[0] or found["max"] > bounds[1]):
        raise PermanentError(
            f"The column {field.name!r} has a date that is infinite or not of the years 1 to 9999: replace it"
            " in SQL, as by nullif or least."
        )
