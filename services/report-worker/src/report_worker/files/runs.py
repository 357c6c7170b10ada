"""Runs of rows that have the same value, one after the other."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from report_worker.files.reading import Source


def starts_of_runs(values: Sequence[Any]) -> list[int]:
    """Where each begins: NaN is the same as NaN."""
    return [at for at in range(len(values)) if at == 0 or not _same(values[at], values[at - 1])]


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) or (one != one and other != other)


def end_of_run(source: Source, place: int, start: int) -> int:
    """Behind the last row, from `start` on, that has the same value there."""
    before, value = 0, None
    for batch in source.batches([place]):
        column = batch.column(0)
        here = max(0, start - before)
        if here < len(column):
            value = column[here] if value is None else value
            differs = _differs(column.slice(here), value)
            at = pc.index(differs, True).as_py()
            if at >= 0:
                return before + here + int(at)
        before += len(column)
    return before


def _differs(column: pa.Array, value: pa.Scalar) -> pa.Array:
    if not value.is_valid:
        return pc.is_valid(column)
    if types.is_floating(column.type) and value.as_py() != value.as_py():
        return pc.invert(pc.fill_null(pc.is_nan(column), False))
    return pc.fill_null(pc.not_equal(column, value), True)
