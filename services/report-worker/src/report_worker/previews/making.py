"""From a file to its preview, as JSON."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import structlog

from report_worker.previews.rows import Cell, Rows

MAX_BYTES: Final = 64 * 1024

log = structlog.get_logger(__name__)


def preview_of(path: Path, media_type: str) -> str | None:
    """JSON of at most 64 KiB: `columns` with names and types, `rows` of texts and nulls, `rows_in_all` and
    `columns_in_all` (null where that is not known), `truncated`. None where files of this type have none, or
    this one is not what its type says: that is logged, and harms nothing."""
    read = _reader(media_type.partition(";")[0].strip().lower())
    if read is None:
        return None
    try:
        rows = read(path)
    except Exception as error:  # it is the job's file: whatever is wrong with it
        log.warning(
            "no preview of a file", filename=path.name, media_type=media_type, reason=str(error)[:200]
        )
        return None
    return _json(rows) if rows else None


def _reader(media_type: str) -> Callable[[Path], Rows | None] | None:
    """What reads it is imported only where there is such a file."""
    if media_type == "text/csv":
        from report_worker.previews.csv_rows import csv_rows

        return csv_rows
    if media_type == "application/vnd.apache.parquet":
        from report_worker.previews.parquet_rows import parquet_rows

        return parquet_rows
    return None


def _json(rows: Rows) -> str:
    """With as many rows as there is room for."""
    kept = list(rows.rows)
    while True:
        text = _encoded(rows, kept)
        if len(text.encode()) <= MAX_BYTES or not kept:
            return text
        kept = kept[: len(kept) // 2]


def _encoded(rows: Rows, kept: list[Sequence[Cell]]) -> str:
    is_all = rows.rows_in_all == len(kept) and rows.columns_in_all == len(rows.names)
    document = {
        "columns": [{"name": name, "type": of} for name, of in zip(rows.names, rows.types, strict=True)],
        "rows": kept,
        "rows_in_all": rows.rows_in_all,
        "columns_in_all": rows.columns_in_all,
        "truncated": not is_all,
    }
    # U+0000 and half letters are nothing that the database or a browser takes
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return text.replace("\\u0000", "\\ufffd").encode("utf-8", "replace").decode()
