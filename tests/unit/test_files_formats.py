"""How values are written in the files of a report."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from report_worker.files.formats import Style, count_of, duration, number_format, size, style_of, text
from waybill.definitions import Column, Format


def written(value: Any, kind: pa.DataType, **given: Any) -> str:
    """As a column of that type writes it, with a sample of this value."""
    column = Column(name="value", **given) if given else None
    return text(value, style_of(kind, column, [value]))


@pytest.mark.parametrize(
    ("value", "kind", "given", "expected"),
    [
        (None, pa.int64(), {}, "–"),
        (1234567, pa.int64(), {}, "1,234,567"),
        (-5, pa.int64(), {}, "−5"),
        (2013, pa.int64(), {"format": Format.TEXT}, "2013"),
        (3.0, pa.float64(), {}, "3"),
        (3.14159, pa.float64(), {}, "3.14"),
        (0.000123456, pa.float64(), {}, "0.000123"),
        (1e20, pa.float64(), {}, "1e+20"),
        (float("nan"), pa.float64(), {}, "NaN"),
        (float("-inf"), pa.float64(), {}, "−∞"),
        (-0.001, pa.float64(), {"decimals": 1}, "0.0"),
        (Decimal("1234.50"), pa.decimal128(10, 2), {}, "1,234.50"),
        (Decimal("2.5000000000000000"), pa.decimal128(38, 16), {}, "2.5"),
        (Decimal("710360.1016030000"), pa.decimal128(38, 10), {}, "710,360.10"),
        (Decimal("1.083245"), pa.decimal128(12, 6), {}, "1.083245"),
        (0.0, pa.float64(), {"format": Format.TEXT}, "0"),
        (2.5, pa.float64(), {"format": Format.TEXT}, "2.5"),
        (Decimal(10**37), pa.decimal128(38, 0), {}, f"{10**37:,}"),
        (0.256, pa.float64(), {"format": Format.PERCENT}, "25.6%"),
        (-0.256, pa.float64(), {"format": Format.PERCENT, "decimals": 0}, "−26%"),
        (1234.5, pa.float64(), {"format": Format.MONEY, "currency": "EUR"}, "€1,234.50"),
        (-3, pa.int64(), {"format": Format.MONEY, "currency": "USD"}, "−$3.00"),
        (1234.5, pa.float64(), {"currency": "CHF"}, "1,234.50\N{NO-BREAK SPACE}CHF"),
        (1234, pa.int64(), {"currency": "JPY"}, "¥1,234"),
        (12.5, pa.float64(), {"unit": "kg"}, "12.5\N{NO-BREAK SPACE}kg"),
        (True, pa.bool_(), {}, "yes"),
        (date(2026, 7, 1), pa.date32(), {}, "2026-07-01"),
        (datetime(2026, 7, 1, 9, 5), pa.timestamp("us"), {}, "2026-07-01 09:05"),
        (datetime(2026, 7, 1, 9, 5, 7), pa.timestamp("us"), {}, "2026-07-01 09:05:07"),
        (datetime(2026, 7, 1, 9, 5), pa.timestamp("us"), {"format": Format.DATE}, "2026-07-01"),
        (time(9, 5), pa.time64("us"), {}, "09:05"),
        (timedelta(hours=1, minutes=5), pa.duration("us"), {}, "1 h 05 min"),
        (3900, pa.int64(), {"format": Format.DURATION}, "1 h 05 min"),
        (1536, pa.int64(), {"format": Format.BYTES}, "1.5\N{NO-BREAK SPACE}KiB"),
        ("twelve", pa.large_string(), {"format": Format.MONEY}, "twelve"),
    ],
)
def test_a_value_is_written_in_its_format(
    value: Any, kind: pa.DataType, given: dict[str, Any], expected: str
) -> None:
    assert written(value, kind, **given) == expected


def test_one_is_not_several() -> None:
    assert [count_of(one, "row") for one in (0, 1, 2, 1234)] == ["0 rows", "1 row", "2 rows", "1,234 rows"]
    assert count_of(1, "row has", "rows have") == "1 row has"


def test_a_column_of_floats_has_the_decimals_that_its_values_need() -> None:
    def decimals(*values: float) -> int:
        return style_of(pa.float64(), None, values).decimals

    assert decimals(1.0, 2.0) == 0
    assert decimals(1.5, 2.0) == 1
    assert decimals(1 / 3, 250.0) == 2
    assert decimals(0.00123, 0.004) == 5
    assert decimals() == 0
    assert decimals(float("inf"), float("nan")) == 0


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0 s"),
        (0.25, "250 ms"),
        (12.5, "12.5 s"),
        (59.99, "1 min 00 s"),
        (183, "3 min 03 s"),
        (3599.6, "1 h 00 min"),
        (86_399, "1 d 00 h"),
        (183_600, "2 d 03 h"),
        (-90, "−1 min 30 s"),
        (float("nan"), "NaN"),
    ],
)
def test_a_duration_has_two_parts(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected


def test_bytes_have_units_of_1024() -> None:
    assert [size(one) for one in (0, 1023, 1024, 5 * 2**30, 2**90)] == [
        "0\N{NO-BREAK SPACE}B",
        "1,023\N{NO-BREAK SPACE}B",
        "1.0\N{NO-BREAK SPACE}KiB",
        "5.0\N{NO-BREAK SPACE}GiB",
        f"{2**30:,}.0\N{NO-BREAK SPACE}EiB",
    ]


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        (Style(Format.NUMBER, 2), "#,##0.00"),
        (Style(Format.NUMBER, 0, unit='"kg'), '#,##0" ”kg"'),
        (Style(Format.PERCENT, 1), "0.0%"),
        (Style(Format.MONEY, 2, "EUR"), '"€"#,##0.00;-"€"#,##0.00'),
        (Style(Format.MONEY, 2, "CHF"), '#,##0.00" CHF"'),
        (Style(Format.DATE), "yyyy-mm-dd"),
        (Style(Format.DURATION), "[h]:mm:ss"),
        (Style(Format.TEXT), "General"),
    ],
)
def test_a_style_is_a_number_format_of_a_spreadsheet(style: Style, expected: str) -> None:
    assert number_format(style) == expected
