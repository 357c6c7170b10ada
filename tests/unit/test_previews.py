"""The first rows of a file: bounded, whatever is in it, and none of a file that is not what it says."""

import json
import tracemalloc
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from report_worker.previews import MAX_BYTES, preview_of

CSV, PARQUET = "text/csv; charset=utf-8", "application/vnd.apache.parquet"


def of_csv(path: Path, content: bytes | str) -> dict[str, Any] | None:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    made = preview_of(path, CSV)
    return json.loads(made) if made else None


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


def test_csv_has_names_types_and_rows(file: Path) -> None:
    assert of_csv(file, '\ufeffday,amount\r\n2026-01-01,1.5\r\n"a, ""b""",\r\n') == {
        "columns": [{"name": "day", "type": "text"}, {"name": "amount", "type": "number"}],
        "rows": [["2026-01-01", "1.5"], ['a, "b"', ""]],
        "rows_in_all": 2,
        "columns_in_all": 2,
        "truncated": False,
    }


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_may_have_another_delimiter(file: Path, delimiter: str) -> None:
    found = of_csv(file, f"a{delimiter}b\n1{delimiter}2\n")
    assert found and found["rows"] == [["1", "2"]]


def test_rows_of_other_lengths_are_filled_or_have_columns_without_a_name(file: Path) -> None:
    found = of_csv(file, "a,b\n1\n1,2,3\n\n")
    assert found
    assert [column["name"] for column in found["columns"]] == ["a", "b", ""]
    assert found["rows"] == [["1", "", ""], ["1", "2", "3"]]


def test_a_large_file_is_read_up_to_a_bound(file: Path) -> None:
    content = "n,text\n" + "".join(f"{n},{'x' * 300}\n" for n in range(200_000))
    file.write_text(content)
    tracemalloc.start()
    made = preview_of(file, CSV)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert made is not None and len(made.encode()) <= MAX_BYTES
    found = json.loads(made)
    assert len(found["rows"]) == 100
    assert found["rows"][0][1] == "x" * 199 + "…"
    assert (found["rows_in_all"], found["truncated"]) == (None, True)
    assert peak < 16 * 2**20


def test_what_is_made_is_bounded_by_columns_and_bytes(file: Path) -> None:
    row = ",".join("é" * 200 for _ in range(60))
    found = of_csv(file, f"{row}\n" * 20)
    assert found and len(found["columns"]) == 50
    assert found["columns_in_all"] == 60
    assert found["truncated"]


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe\x00\x01", b"a" * 300_000, b'"' + b"a" * 200_000 + b'"\n'],
    ids=["empty", "no UTF-8", "one long line", "one long field"],
)
def test_a_file_that_cannot_be_shown_has_none(file: Path, content: bytes) -> None:
    assert of_csv(file, content) is None


def test_what_the_database_does_not_take_is_replaced(file: Path) -> None:
    made = of_csv(file, b"a\nx\0y\n")
    assert made and made["rows"] == [["x\ufffdy"]]


def test_parquet_has_types_and_knows_its_rows(file: Path) -> None:
    table = pa.table(
        {
            "n": [1, None],
            "day": [date(2026, 1, 1), date(2026, 1, 2)],
            "at": [datetime(2026, 1, 1, 12), None],
            "sum": pa.array([Decimal("1.50"), None], pa.decimal128(10, 2)),
            "flag": [True, False],
            "raw": [b"\xff\xfe", b""],
            "list": [[1, 2], []],
        }
    )
    pq.write_table(table, file)
    found = json.loads(preview_of(file, PARQUET) or "")

    assert [(one["name"], one["type"]) for one in found["columns"]] == [
        *(("n", "number"), ("day", "time"), ("at", "time"), ("sum", "number"), ("flag", "boolean")),
        *(("raw", "text"), ("list", "text")),
    ]
    assert found["rows"] == [
        ["1", "2026-01-01", "2026-01-01 12:00:00", "1.50", "true", "2 bytes", "[1, 2]"],
        [None, "2026-01-02", None, None, "false", "0 bytes", "[]"],
    ]
    assert (found["rows_in_all"], found["truncated"]) == (2, False)


def test_parquet_with_many_rows_is_cut(file: Path) -> None:
    pq.write_table(pa.table({f"c{n}": range(1000) for n in range(60)}), file)
    found = json.loads(preview_of(file, PARQUET) or "")
    assert (len(found["rows"]), len(found["columns"])) == (100, 50)
    assert (found["rows_in_all"], found["columns_in_all"], found["truncated"]) == (1000, 60, True)


def test_parquet_whose_rows_unpack_to_much_has_none(file: Path) -> None:
    zeros = pa.table({"zeros": pa.array([b"\0" * 2**20] * 80)})
    pq.write_table(zeros, file, compression="zstd", use_dictionary=False)
    assert file.stat().st_size < 2**20
    assert preview_of(file, PARQUET) is None


def test_a_long_text_that_parquet_has_once_is_not_unpacked_for_every_row(file: Path) -> None:
    pq.write_table(pa.table({"long": pa.array(["x" * 2**23] * 100)}), file)
    before = pa.default_memory_pool().max_memory()
    found = json.loads(preview_of(file, PARQUET) or "")

    assert found["rows"] == [["x" * 199 + "…"]] * 100
    assert pa.default_memory_pool().max_memory() <= max(before, 100 * 2**20)


def test_other_files_have_none(file: Path) -> None:
    file.write_text("<h1>a</h1>")
    assert preview_of(file, "text/html") is None
    assert preview_of(file, PARQUET) is None
