"""The workbook of a report, read back by openpyxl."""

import re
import zipfile
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import openpyxl
import pyarrow as pa
import pytest

from report_worker.files import Document, write
from report_worker.files.xlsx import sheets
from tests.support.documents import document
from tests.unit.test_files_data import HOSTILE, TYPED


def path_of(given: Document, folder: Path) -> Path:
    [artefact] = write("xlsx", given, folder)
    assert [one.name for one in artefact.path.parent.iterdir()] == [artefact.filename]
    return artefact.path


def workbook_of(given: Document, folder: Path) -> Any:
    return openpyxl.load_workbook(path_of(given, folder))


def values_of(sheet: Any) -> list[tuple[Any, ...]]:
    return list(sheet.iter_rows(values_only=True))


def table(**given: Any) -> dict[str, Any]:
    return {"sections": [{"blocks": [{"table": {"from": "orders", **given}}]}]}


ORDERS = {
    "city": ["Bonn", "Köln", None],
    "amount": [10.5, -2.0, 3.0],
    "paid": [True, False, None],
    "day": [date(2026, 7, 1), date(1899, 1, 1), date(9999, 12, 31)],
}


class TestCells:
    def test_have_the_type_of_their_values(self, tmp_path: Path) -> None:
        sheet = workbook_of(document(tmp_path, {"all": TYPED}), tmp_path)["all"]
        header, first, second = values_of(sheet)  # the third has nothing in any cell

        assert header == tuple(
            name.capitalize() if name != "zoned" else "Zoned (Asia/Tokyo)" for name in TYPED.column_names
        )
        assert dict(zip(TYPED.column_names, first, strict=True)) == {
            "whole": 1,
            "large": "9223372036854775807",
            "unsigned": "18446744073709551615",
            "float": 0.1,
            "infinite": "Infinity",
            "decimal": "12345678901234567890123456789.012345678",
            "true": True,
            "day": datetime(2026, 7, 1),
            "far": "12921-08-18",
            "at": datetime(2026, 7, 1, 9, 5),
            "zoned": datetime(2026, 7, 1, 18, 5),
            "nanos": datetime(2023, 11, 14, 22, 13, 20, 123000),
            "clock": time(9, 5),
            "length": timedelta(hours=1.5),
            "text": "a",
            "category": "x",
            "bytes": "AP8=",
            "list": "[1, 2]",
            "struct": '{"a": 1, "b": "2026-07-01"}',
            "uuid": "00000000-0000-0000-0000-000000000001",
            "nothing": None,
        }
        assert dict(zip(TYPED.column_names, second, strict=True)) | {"far": None, "uuid": None} == {
            "whole": -2,
            "large": "-9223372036854775808",
            "unsigned": 0,
            "float": "NaN",
            "infinite": "-Infinity",
            "decimal": -1e-9,
            "true": False,
            "day": "0001-01-01",
            "far": None,
            "at": "1850-01-01T00:00:00.5",
            "zoned": datetime(2026, 7, 1, 18, 5),
            "nanos": datetime(1970, 1, 1),
            "clock": time(23, 59, 59, 1000),
            "length": "-0:00:01",
            "text": "",
            "category": "y",
            "bytes": "",
            "list": "[]",
            "struct": '{"a": null, "b": null}',
            "uuid": None,
            "nothing": None,
        }
        assert sheet.auto_filter.ref.endswith("4")

    def test_have_the_formats_of_their_columns(self, tmp_path: Path) -> None:
        columns = [
            {"name": "amount", "currency": "EUR"},
            {"name": "day"},
            {"name": "amount", "format": "percent", "decimals": 0},
            {"name": "amount", "format": "duration"},
        ]
        given = document(tmp_path, {"orders": ORDERS}, **table(columns=columns))

        row = list(workbook_of(given, tmp_path)["orders"].iter_rows())[1]

        assert [cell.number_format for cell in row] == [
            '"€"#,##0.00;-"€"#,##0.00',
            "yyyy-mm-dd",
            "0%",
            "[h]:mm:ss",
        ]
        assert row[3].value == timedelta(seconds=10.5)

    def test_texts_stay_texts_whatever_they_begin_with(self, tmp_path: Path) -> None:
        texts = [*HOSTILE, "https://x.test/", "<r>a</r>", "<r><t>x</t></r>", "_x0041_", "1234"]
        given = document(tmp_path, {"orders": {"=name": texts}}, heading="=heading", description="@x")

        workbook = workbook_of(given, tmp_path)

        cells = [row[0] for row in workbook["orders"].iter_rows()]
        assert {cell.data_type for cell in cells} == {"s"}
        assert all(cell.hyperlink is None for cell in cells)
        read = [str(cell.value) for cell in cells]
        assert read[:6] == ["=name", *HOSTILE[:5]]
        assert max(map(len, read)) == 32_767
        # `_x005F_` is Excel's escape of an underscore, which openpyxl leaves as it is
        assert read[-5:] == ["https://x.test/", "<r>a</r> ", "<r><t>x</t></r> ", "_x005F_x0041_", "1234"]
        assert workbook["Report"]["A1"].data_type == "s"

    def test_no_xml_is_made_of_them(self, tmp_path: Path) -> None:
        given = document(
            tmp_path,
            {
                "orders": {
                    "text": [
                        "<r>a</r>",
                        "a\0b\x01",
                        "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
                    ]
                }
            },
        )

        with zipfile.ZipFile(path_of(given, tmp_path)) as archive:
            content = "".join(archive.read(name).decode() for name in archive.namelist() if "sheet" in name)

        assert "<r>a" not in content
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f]|_x0000_", content)


class TestSheets:
    def test_have_a_header_that_stays_a_filter_and_widths(self, tmp_path: Path) -> None:
        sheet = workbook_of(document(tmp_path, {"orders": ORDERS}), tmp_path)["orders"]

        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref == "A1:D4"
        assert sheet["A1"].font.bold
        assert sheet.print_title_rows == "$1:$1"
        assert all(8 <= sheet.column_dimensions[one].width <= 61 for one in "ABCD")

    def test_are_of_tables_and_of_data_that_no_table_shows(self, tmp_path: Path) -> None:
        blocks = [
            {
                "table": {
                    "from": "orders",
                    "title": "Orders in [July]",
                    "columns": ["city"],
                    "group_by": "day",
                }
            },
            {"table": {"from": "orders", "title": "orders in July"}},
            {"table": {"from": "gone"}},
        ]
        given = document(
            tmp_path,
            {"orders": ORDERS, "stores": {"n": [1]}, "other": {"n": [1]}},
            missing={"gone": "It failed."},
            sections=[{"blocks": blocks}],
            data=["orders", "stores"],
        )

        workbook = workbook_of(given, tmp_path)

        assert workbook.sheetnames == ["Report", "Orders in  July", "orders in July", "stores"]
        assert values_of(workbook["Orders in  July"])[0] == ("Day", "City")

    def test_totals_are_formulas_with_values(self, tmp_path: Path) -> None:
        columns = [
            "city",
            {"name": "amount", "total": "sum"},
            {"name": "city", "total": "max"},
            {"name": "paid", "total": "count"},
            {"name": "day", "total": "count"},
        ]
        path = path_of(document(tmp_path, {"orders": ORDERS}, **table(columns=columns)), tmp_path)

        assert values_of(openpyxl.load_workbook(path)["orders"])[-1] == (
            "Total",
            "=SUBTOTAL(109,'orders'!$B$2:$B$4)",
            "Köln",
            "=SUBTOTAL(103,'orders'!$D$2:$D$4)",
            "=SUBTOTAL(103,'orders'!$E$2:$E$4)",
        )
        assert values_of(openpyxl.load_workbook(path, data_only=True)["orders"])[-1] == (
            "Total",
            11.5,
            "Köln",
            2,
            3,
        )

    def test_what_one_cannot_hold_goes_on_on_the_next(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sheets, "MAX_ROWS", 11)
        columns = [{"name": "n", "total": "sum"}]
        given = document(tmp_path, {"orders": {"n": range(25)}}, **table(columns=columns))

        path = path_of(given, tmp_path)

        workbook = openpyxl.load_workbook(path)
        assert workbook.sheetnames == ["Report", "orders", "orders (2)", "orders (3)"]
        numbers = [row[0] for sheet in workbook.worksheets[1:] for row in values_of(sheet)[1:]]
        assert numbers[:-1] == list(range(25))
        assert numbers[-1] == (
            "=SUBTOTAL(109,'orders'!$A$2:$A$11,'orders (2)'!$A$2:$A$11,'orders (3)'!$A$2:$A$6)"
        )
        assert [sheet.auto_filter.ref for sheet in workbook.worksheets[1:]] == ["A1:A11", "A1:A11", "A1:A6"]
        assert values_of(openpyxl.load_workbook(path, data_only=True)["orders (3)"])[-1] == (300,)

    def test_an_empty_result_has_its_header(self, tmp_path: Path) -> None:
        columns = [{"name": "amount", "total": "mean"}, "city"]
        rows = pa.table(ORDERS).slice(0, 0)

        sheet = workbook_of(document(tmp_path, {"orders": rows}, **table(columns=columns)), tmp_path)[
            "orders"
        ]

        assert values_of(sheet) == [("Amount", "City"), (None, "Total")]

    def test_there_may_be_many_columns(self, tmp_path: Path) -> None:
        rows = {f"c{number}": [number] for number in range(300)}

        sheet = workbook_of(document(tmp_path, {"orders": rows}), tmp_path)["orders"]

        assert sheet.max_column == 300

    def test_the_first_says_what_the_report_is(self, tmp_path: Path) -> None:
        figures = [
            {"label": "Orders", "value": "orders.amount", "currency": "EUR"},
            {"label": "Gone", "value": "gone.n"},
        ]
        given = document(
            tmp_path,
            {"orders": ORDERS},
            {"city": "Bonn"},
            {"gone": "The service answered 503."},
            parameters={"city": {"type": "text", "title": "City"}},
            heading="Orders of {city}",
            sections=[{"blocks": [{"figures": figures}, {"table": {"from": "orders"}}]}],
        )

        sheet = workbook_of(given, tmp_path)["Report"]

        rows = [row for row in values_of(sheet) if any(row)]
        assert rows == [
            ("Orders of Bonn", None),
            ("What was sold.", None),
            ("City", "Bonn"),
            ("Figures", None),
            ("Orders", 10.5),
            ("Gone", None),
            ("Sheets", None),
            ("orders", "3 rows"),
            ("What is missing, since a step failed", None),
            ("gone", "The service answered 503."),
        ]
        [link] = [cell.hyperlink for row in sheet.iter_rows() for cell in row if cell.hyperlink]
        assert (link.location, link.target) == ("'orders'!A1", None)


class TestCharts:
    def charts(self, folder: Path, rows: dict[str, Any], *charts: dict[str, Any], shown: bool = True) -> Any:
        blocks: list[dict[str, Any]] = [{"chart": {"from": "orders", **one}} for one in charts]
        blocks += [{"table": {"from": "orders"}}] if shown else []
        given = document(folder, {"orders": rows}, sections=[{"blocks": blocks}], data=["orders"])
        return workbook_of(given, folder)

    ROWS: ClassVar[dict[str, Any]] = {
        "x": ["a", "b", "c"],
        "n": [1, 2, 3],
        "y": [5, None, 7],
        "z": [1.5, 2.5, 3.5],
    }

    @pytest.mark.parametrize("kind", ["bar", "stacked_bar", "line"])
    def test_are_over_the_cells_of_a_sheet(self, kind: str, tmp_path: Path) -> None:
        workbook = self.charts(
            tmp_path, self.ROWS, {"type": kind, "x": "x", "y": ["y", "z"], "title": "Title"}
        )

        assert workbook.sheetnames == ["Report", "Charts", "orders"]
        [chart] = workbook["Charts"]._charts
        assert [one.val.numRef.f for one in chart.series] == ["'orders'!$C$2:$C$4", "'orders'!$D$2:$D$4"]
        assert chart.grouping == {"bar": "clustered", "stacked_bar": "stacked", "line": "standard"}[kind]

    def test_clouds_and_lines_over_numbers_have_their_place_on_the_axis(self, tmp_path: Path) -> None:
        workbook = self.charts(
            tmp_path, self.ROWS, {"type": "scatter", "x": "n", "y": "z"}, {"type": "line", "x": "n", "y": "z"}
        )

        assert [type(one).__name__ for one in workbook["Charts"]._charts] == ["ScatterChart", "ScatterChart"]

    def test_with_series_of_a_column_have_a_sheet_of_what_they_show(self, tmp_path: Path) -> None:
        rows = {"x": [1, 2, 1], "y": [10, 20, 30], "s": ["a", "a", "b"]}

        workbook = self.charts(
            tmp_path, rows, {"type": "line", "x": "x", "y": "y", "series": "s", "title": "Lines"}
        )

        assert values_of(workbook["Lines"]) == [("x", "a", "b"), (1, 10, 30), (2, 20, None)]
        [chart] = workbook["Charts"]._charts
        assert [
            one.val.numRef.f if hasattr(one.val, "numRef") else one.yVal.numRef.f for one in chart.series
        ] == [
            "'Lines'!$B$2:$B$3",
            "'Lines'!$C$2:$C$3",
        ]

    def test_a_heat_map_is_cells_in_colours_and_a_histogram_bars(self, tmp_path: Path) -> None:
        workbook = self.charts(
            tmp_path,
            self.ROWS,
            {"type": "heat_map", "x": "n", "y": "x", "value": "z", "title": "Heat"},
            {"type": "histogram", "x": "z", "bins": 2, "title": "Counts"},
        )

        heat = workbook["Heat"]
        assert values_of(heat)[:2] == [(None, 1, 2, 3), ("a", 1.5, None, None)]
        [(cells, [rule])] = heat.conditional_formatting._cf_rules.items()
        assert (str(cells.sqref), rule.type) == ("B2:D4", "colorScale")
        assert values_of(workbook["Counts"]) == [("from", "to", "rows"), (1.5, 2.5, 1), (2.5, 3.5, 2)]
        assert len(workbook["Charts"]._charts) == 1

    def test_one_without_values_says_so(self, tmp_path: Path) -> None:
        rows = {"x": pa.array([], pa.int64()), "y": pa.array([], pa.float64())}

        workbook = self.charts(tmp_path, rows, {"type": "line", "x": "x", "y": "y", "title": "Nothing"})

        assert workbook["Charts"]["A1"].value == "Nothing: there are no values to draw."

    @pytest.mark.parametrize("xs", [[date(2026, 7, 1)], [time(9, 5)], [timedelta(hours=1)], [Decimal("1.5")]])
    def test_every_scale_is_one_of_excel(self, xs: list[Any], tmp_path: Path) -> None:
        rows = {"x": xs, "y": [1], "s": ["a"]}

        workbook = self.charts(
            tmp_path, rows, {"type": "scatter", "x": "x", "y": "y", "series": "s", "title": "T"}
        )

        [value] = [cell.value for cell in list(workbook["T"].iter_rows())[1]][:1]
        expected: dict[type, Any] = {date: datetime(2026, 7, 1), Decimal: 1.5}
        assert value == expected.get(type(xs[0]), xs[0])


def test_the_same_document_is_the_same_file(tmp_path: Path) -> None:
    chart = {"type": "bar", "from": "orders", "x": "city", "y": "amount"}
    given = document(
        tmp_path, {"orders": ORDERS}, sections=[{"blocks": [{"chart": chart}, {"table": {"from": "orders"}}]}]
    )
    (tmp_path / "again").mkdir()

    assert path_of(given, tmp_path).read_bytes() == path_of(given, tmp_path / "again").read_bytes()
