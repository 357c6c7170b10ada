"""CSV, Parquet and JSON of a report: nothing is lost, and nothing is run."""

import csv
import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from report_worker.files import Document, write
from report_worker.files.csv_files import write_csv
from tests.support.documents import document
from waybill.errors import PermanentError

DIGITS = Decimal("12345678901234567890123456789.012345678")

TYPED = pa.table(
    {
        "whole": pa.array([1, -2, None], pa.int64()),
        "large": pa.array([2**63 - 1, -(2**63), None], pa.int64()),
        "unsigned": pa.array([2**64 - 1, 0, None], pa.uint64()),
        "float": pa.array([0.1, float("nan"), None]),
        "infinite": pa.array([float("inf"), float("-inf"), None]),
        "decimal": pa.array([DIGITS, Decimal("-0.000000001"), None], pa.decimal128(38, 9)),
        "true": pa.array([True, False, None]),
        "day": pa.array([date(2026, 7, 1), date(1, 1, 1), None]),
        "far": pa.array([4_000_000, -800_000, None], pa.int32()).cast(pa.date32()),
        "at": pa.array([datetime(2026, 7, 1, 9, 5), datetime(1850, 1, 1, 0, 0, 0, 500_000), None]),
        "zoned": pa.array(
            [datetime(2026, 7, 1, 9, 5, tzinfo=UTC)] * 2 + [None], pa.timestamp("us", "Asia/Tokyo")
        ),
        "nanos": pa.array([1_700_000_000_123_456_789, 0, None], pa.timestamp("ns")),
        "clock": pa.array([time(9, 5), time(23, 59, 59, 1000), None], pa.time64("us")),
        "length": pa.array([timedelta(hours=1.5), timedelta(seconds=-1), None], pa.duration("us")),
        "text": pa.array(["a", "", None]),
        "category": pa.array(["x", "y", None]).dictionary_encode(),
        "bytes": pa.array([b"\x00\xff", b"", None]),
        "list": pa.array([[1, 2], [], None]),
        "struct": pa.array([{"a": 1, "b": date(2026, 7, 1)}, {"a": None, "b": None}, None]),
        "uuid": pa.ExtensionArray.from_storage(
            pa.uuid(), pa.array([UUID(int=1).bytes, UUID(int=2**128 - 1).bytes, None], pa.binary(16))
        ),
        "nothing": pa.nulls(3),
    }
)
"""Each type that a result may have: a plain value, a special one, and null."""

HOSTILE = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\tx",
    "\rx",
    'a"b',
    "a,b",
    "a\r\nb",
    "a\0b",
    "\u202edrow",
    "'=x",
    " space ",
    "x" * 100_000,
    "\\n",
    "\x01\x1f",
    "</script>",
    "日本語 😀",
]


def rows_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        csv.field_size_limit(1_000_000)
        return list(csv.reader(file))


class TestCsv:
    def rows(self, given: Document, folder: Path) -> list[list[str]]:
        return rows_of(write("csv", given, folder)[0].path)

    def test_every_type_has_a_text_that_programs_read(self, tmp_path: Path) -> None:
        header, first, second, third = self.rows(document(tmp_path, {"typed": TYPED}), tmp_path)

        assert header == TYPED.column_names
        assert dict(zip(header, first, strict=True)) == {
            "whole": "1",
            "large": "9223372036854775807",
            "unsigned": "18446744073709551615",
            "float": "0.1",
            "infinite": "Infinity",
            "decimal": str(DIGITS),
            "true": "true",
            "day": "2026-07-01",
            "far": "12921-08-18",
            "at": "2026-07-01T09:05:00",
            "zoned": "2026-07-01T09:05:00Z",
            "nanos": "2023-11-14T22:13:20.123456",
            "clock": "09:05:00",
            "length": "5400",
            "text": "a",
            "category": "x",
            "bytes": "AP8=",
            "list": "[1, 2]",
            "struct": '{"a": 1, "b": "2026-07-01"}',
            "uuid": "00000000-0000-0000-0000-000000000001",
            "nothing": "",
        }
        assert second[:6] == ["-2", "-9223372036854775808", "0", "NaN", "-Infinity", "-0.000000001"]
        assert second[9:14] == [
            "1850-01-01T00:00:00.5",
            "2026-07-01T09:05:00Z",
            "1970-01-01T00:00:00",
            "23:59:59.001",
            "-1",
        ]
        assert third == [""] * len(header)

    def test_lines_end_as_the_standard_says_and_an_empty_text_is_not_null(self, tmp_path: Path) -> None:
        given = document(tmp_path, {"one": {"a": ["", None, "x,y"], "b": [1, 2, 3]}})

        content = write("csv", given, tmp_path)[0].path.read_bytes()

        assert content == b'a,b\r\n"",1\r\n,2\r\n"x,y",3\r\n'

    def test_a_byte_order_mark_is_there_on_demand(self, tmp_path: Path) -> None:
        given = document(tmp_path, {"one": {"a": [1]}})
        (tmp_path / "with").mkdir()

        assert write_csv(given, tmp_path / "with", bom=True)[0].path.read_bytes() == b"\xef\xbb\xbfa\r\n1\r\n"

    def test_no_text_is_a_formula_and_every_number_stays_one(self, tmp_path: Path) -> None:
        given = document(tmp_path, {"one": {"=head": HOSTILE, "n": [-1.5] * len(HOSTILE)}})

        header, *rows = self.rows(given, tmp_path)

        assert header == ["'=head", "n"]
        formulas = HOSTILE[:6]
        assert [row[0] for row in rows[:6]] == [f"'{one}" for one in formulas]
        assert [row[0] for row in rows[6:]] == [one.replace("\0", "\ufffd") for one in HOSTILE[6:]]
        assert {row[1] for row in rows} == {"-1.5"}

    def test_an_empty_result_has_its_header(self, tmp_path: Path) -> None:
        given = document(tmp_path, {"one": TYPED.slice(0, 0)})

        assert self.rows(given, tmp_path) == [TYPED.column_names]

    def test_columns_may_have_any_name_and_there_may_be_many(self, tmp_path: Path) -> None:
        names = ['a "b"', "a.b", "A", "a", "x,y", *(f"c{number}" for number in range(300))]
        given = document(tmp_path, {"one": {name: [number] for number, name in enumerate(names)}})

        assert self.rows(given, tmp_path) == [names, [str(number) for number in range(len(names))]]

    def test_rows_of_many_batches_are_all_there(self, tmp_path: Path) -> None:
        table = pa.table({"n": range(100_000), "text": [f"row {number}" for number in range(100_000)]})

        rows = self.rows(document(tmp_path, {"one": table}), tmp_path)

        assert rows[1:] == [[str(number), f"row {number}"] for number in range(100_000)]


class TestJson:
    def read(self, given: Document, folder: Path) -> Any:
        return json.loads(
            write("json", given, folder)[0].path.read_text(encoding="utf-8"), parse_float=Decimal
        )

    def test_every_type_has_its_value(self, tmp_path: Path) -> None:
        first, second, third = self.read(document(tmp_path, {"typed": TYPED}), tmp_path)["results"]["typed"]

        assert first == {
            "whole": 1,
            "large": 2**63 - 1,
            "unsigned": 2**64 - 1,
            "float": Decimal("0.1"),
            "infinite": None,
            "decimal": DIGITS,
            "true": True,
            "day": "2026-07-01",
            "far": "12921-08-18",
            "at": "2026-07-01T09:05:00",
            "zoned": "2026-07-01T09:05:00Z",
            "nanos": "2023-11-14T22:13:20.123456",
            "clock": "09:05:00",
            "length": 5400,
            "text": "a",
            "category": "x",
            "bytes": "AP8=",
            "list": [1, 2],
            "struct": {"a": 1, "b": "2026-07-01"},
            "uuid": "00000000-0000-0000-0000-000000000001",
            "nothing": None,
        }
        assert (second["float"], second["text"], second["list"]) == (None, "", [])
        assert set(third.values()) == {None}

    def test_texts_come_back_as_they_were(self, tmp_path: Path) -> None:
        rows = self.read(document(tmp_path, {"one": {'"k"\n': HOSTILE}}), tmp_path)["results"]["one"]

        assert [row['"k"\n'] for row in rows] == HOSTILE

    def test_it_says_what_the_report_is(self, tmp_path: Path) -> None:
        given = document(
            tmp_path,
            {"one": {"a": [1]}, "two": {"b": []}},
            {"day": date(2026, 7, 1), "month": {"first": date(2026, 7, 1), "last": date(2026, 7, 31)}},
            {"gone": 'a "reason"'},
            data=["one", "two", "gone"],
            heading="Sales, {one.a}",
        )

        assert self.read(given, tmp_path) == {
            "report": {"kind": "query:sales", "title": "Sales", "heading": "Sales, 1"},
            "parameters": {"day": "2026-07-01", "month": {"first": "2026-07-01", "last": "2026-07-31"}},
            "missing": {"gone": 'a "reason"'},
            "results": {"one": [{"a": 1}], "two": []},
        }

    def test_a_column_of_json_is_json_if_it_can_be_read(self, tmp_path: Path) -> None:
        column = pa.ExtensionArray.from_storage(
            pa.json_(pa.utf8()), pa.array(['{"a": [1]}', "NaN", "{", None])
        )

        rows = self.read(document(tmp_path, {"one": pa.table({"j": column})}), tmp_path)["results"]["one"]

        assert [row["j"] for row in rows] == [{"a": [1]}, "NaN", "{", None]


class TestParquet:
    def test_types_and_rows_are_those_of_the_result(self, tmp_path: Path) -> None:
        given = document(tmp_path, {"typed": TYPED}, {"day": date(2026, 7, 1)})

        path = write("parquet", given, tmp_path)[0].path

        read = pq.read_table(path)
        assert read.schema.types == pq.read_schema(given.results["typed"].path).types
        assert read.drop_columns(["float"]).equals(
            TYPED.drop_columns(["float"]).cast(read.drop_columns(["float"]).schema)
        )
        metadata = pq.read_metadata(path)
        assert metadata.row_group(0).column(0).compression == "ZSTD"
        assert metadata.metadata[b"waybill.kind"] == b"query:sales"
        assert json.loads(metadata.metadata[b"waybill.parameters"]) == {"day": "2026-07-01"}

    def test_duckdb_reads_it_with_all_of_its_rows(self, tmp_path: Path) -> None:
        given = document(tmp_path, {"one": {"n": range(300_000)}})

        path = write("parquet", given, tmp_path)[0].path

        assert pq.read_metadata(path).num_row_groups > 1
        with duckdb.connect() as database:
            assert database.execute(
                "SELECT count(*), sum(n) FROM read_parquet(?)", [str(path)]
            ).fetchone() == (
                300_000,
                sum(range(300_000)),
            )

    def test_an_empty_result_has_its_columns(self, tmp_path: Path) -> None:
        path = write("parquet", document(tmp_path, {"one": TYPED.slice(0, 0)}), tmp_path)[0].path

        assert pq.read_table(path).num_rows == 0
        assert pq.read_schema(path).names == TYPED.column_names


class TestWhichResults:
    TABLE: ClassVar[dict[str, Any]] = {
        "sections": [{"blocks": [{"table": {"from": "two"}}, {"table": {"from": "one"}}]}]
    }

    @pytest.mark.parametrize("output", ["csv", "parquet"])
    @pytest.mark.parametrize(
        ("given", "names"),
        [
            ({}, ["sales"]),
            (TABLE, ["sales-two", "sales-one"]),
            (TABLE | {"data": ["one"]}, ["sales"]),
            ({"data": ["one", "three", "one"]}, ["sales-one", "sales-three"]),
            ({"data": ["one", "gone"]}, ["sales-one"]),
            ({"data": ["gone"]}, []),
        ],
    )
    def test_are_those_of_data_or_of_the_tables_or_the_last(
        self, output: str, given: dict[str, Any], names: list[str], tmp_path: Path
    ) -> None:
        results = {name: {"step": [name]} for name in ("one", "two", "three")}
        missing = {"gone": "why"} if "gone" in given.get("data", ()) else {}

        files = write(output, document(tmp_path, results, missing=missing, **given), tmp_path)

        assert [one.filename for one in files] == [f"{name}.{output}" for name in names]
        assert all(one.path.name == one.filename for one in files)


def test_an_output_that_there_is_none_of_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        PermanentError, match=r"docx: no such output; choose html, pdf, xlsx, csv, parquet, json\."
    ):
        write("docx", document(tmp_path, {"one": {"a": [1]}}), tmp_path)


def test_a_step_without_a_result_and_without_a_reason_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match=r"lost: the report has no result of this step\."):
        write("csv", document(tmp_path, {"one": {"a": [1]}}, data=["lost"]), tmp_path)
