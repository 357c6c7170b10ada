"""Charts of a report: whatever the data is, they show it or say why not."""

import re
import xml.etree.ElementTree as ET
from datetime import date, datetime, time, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from report_worker.files.charts import ChartView, draw
from report_worker.files.charts.style import SERIES
from report_worker.files.reading import Source
from tests.support.documents import result
from waybill.definitions import Chart
from waybill.errors import PermanentError

Colors = NDArray[np.float64]


def drawn(folder: Path, rows: dict[str, Any] | pa.Table, **given: Any) -> ChartView:
    chart = Chart.model_validate({"from": "rows", "type": "line", **given}, strict=False)
    with Source(result(folder, "rows", rows)) as source:
        view = draw(source, chart, name="chart-1", title=None, vary=True)
    if view.svg:
        ET.fromstring(view.svg)  # noqa: S314 - our own
    return view


def description(view: ChartView) -> str:
    found = re.search(r"<desc[^>]*>(.*?)</desc>", view.svg or "")
    return found[1] if found else ""


def texts(view: ChartView) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", view.svg or "")


DAYS = [date(2026, 7, day) for day in range(1, 31)]
VALUES = [float(day * day % 17) for day in range(1, 31)]
TYPES = ["line", "bar", "stacked_bar", "scatter"]


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(
    "xs",
    [
        DAYS,
        [datetime(2026, 7, 1, hour % 24, hour) for hour in range(30)],
        [time(hour % 24, hour) for hour in range(30)],
        [timedelta(minutes=7 * step) for step in range(30)],
        list(range(1990, 2020)),
        [step / 7 - 2 for step in range(30)],
        [f"name {step % 9}" for step in range(30)],
        [step % 2 == 0 for step in range(30)],
    ],
    ids=["day", "moment", "clock", "length", "year", "float", "text", "boolean"],
)
def test_every_type_draws_every_scale(kind: str, xs: list[Any], tmp_path: Path) -> None:
    view = drawn(tmp_path, {"x": xs, "y": VALUES}, type=kind, x="x", y="y")

    assert view.svg
    assert "<path" in view.svg
    assert texts(view)
    assert description(view)


@pytest.mark.parametrize("kind", [*TYPES, "histogram", "heat_map"])
@pytest.mark.parametrize(
    "ys",
    [[], [None], [float("nan"), float("inf"), None]],
    ids=["no rows", "null", "no number"],
)
def test_without_a_value_it_says_so(kind: str, ys: list[float | None], tmp_path: Path) -> None:
    rows = pa.table({"x": pa.array(ys, pa.float64()), "y": pa.array(ys, pa.float64()), "s": ["a"] * len(ys)})
    columns = {"y": "s", "value": "y"} if kind == "heat_map" else {"y": "y"}

    view = drawn(tmp_path, rows, type=kind, x="x", **columns)

    assert view.svg is None
    assert view.notes[-1] == "There are no values to draw."


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("ys", [[5.0], [-5.0], [0.0], [1e-12], [1e300]])
def test_one_point_is_drawn(kind: str, ys: list[float], tmp_path: Path) -> None:
    for xs in ([date(2026, 7, 1)], ["only"], [3]):
        assert drawn(tmp_path, {"x": xs, "y": ys}, type=kind, x="x", y="y").svg


def test_bars_below_zero_hang_from_it(tmp_path: Path) -> None:
    view = drawn(tmp_path, {"x": ["a", "b"], "y": [-5, 10]}, type="bar", x="x", y="y")

    assert description(view) == "Bar chart of y by x. Y: −5 (a), 10 (b)."
    assert {"−5", "10"} <= set(texts(view))


def test_a_gap_stays_a_gap(tmp_path: Path) -> None:
    view = drawn(tmp_path, {"x": [1, 2, 3, 4], "y": [1.0, None, 3.0, 4.0]}, x="x", y="y")

    assert description(view) == "Line chart of y by x. Y: 1 (1), 3 (3), 4 (4)."


def test_a_line_is_drawn_in_the_order_of_its_axis(tmp_path: Path) -> None:
    view = drawn(tmp_path, {"x": [3, 1, 2], "y": [30, 10, 20]}, x="x", y="y")

    assert description(view) == "Line chart of y by x. Y: 10 (1), 20 (2), 30 (3)."


def test_long_series_are_described_by_their_extremes(tmp_path: Path) -> None:
    view = drawn(tmp_path, {"x": DAYS, "y": VALUES}, x="x", y="y", unit="kg")

    assert description(view) == (
        "Line chart of y by x. Y: from 0\N{NO-BREAK SPACE}kg (2026-07-17)"
        " to 16\N{NO-BREAK SPACE}kg (2026-07-04);"
        f" last {VALUES[-1]:.0f}\N{NO-BREAK SPACE}kg (2026-07-30)."
    )


def test_an_alt_text_is_taken_as_it_is(tmp_path: Path) -> None:
    assert description(drawn(tmp_path, {"x": [1], "y": [1]}, x="x", y="y", alt="<What> it shows")) == (
        "&lt;What&gt; it shows"
    )


def test_series_are_those_of_a_column_in_order(tmp_path: Path) -> None:
    rows = {"x": [1, 2, 1, 2, 1], "y": [1, 2, 3, 4, 5], "hour": [10, 10, 9, 9, None]}

    view = drawn(tmp_path, rows, x="x", y="y", series="hour")

    assert [label for _, label in view.legend] == ["9", "10", "–"]
    assert [color for color, _ in view.legend] == ["var(--s1)", "var(--s2)", "var(--s3)"]


def test_several_columns_are_several_series(tmp_path: Path) -> None:
    view = drawn(tmp_path, {"x": [1, 2], "a": [1, 2], "b": [3, 4]}, type="bar", x="x", y=["a", "b"])

    assert [label for _, label in view.legend] == ["A", "B"]


class TestLimits:
    def test_a_long_line_is_of_means(self, tmp_path: Path) -> None:
        rows = {"x": range(20_000), "y": [1.0, 3.0] * 10_000}

        view = drawn(tmp_path, rows, x="x", y="y")

        assert view.notes == ["Means of 20,000 rows, in at most 1,000 intervals."]
        assert "from 2 (9.5) to 2 (9.5); last 2" in description(view)

    def test_a_cloud_is_a_sample(self, tmp_path: Path) -> None:
        rows = {"x": range(20_000), "y": range(20_000)}

        view = drawn(tmp_path, rows, type="scatter", x="x", y="y")

        assert view.notes == ["A sample: 5,000 of 20,000 rows."]
        assert len(view.svg or "") < 200_000

    def test_the_smallest_of_many_names_are_one_bar(self, tmp_path: Path) -> None:
        rows = {"x": [f"n{number:03}" for number in range(100)], "y": range(100)}

        view = drawn(tmp_path, rows, type="bar", x="x", y="y")

        assert view.notes == ["The 39 largest of 100; the rest is “other”."]
        assert {"n099", "n061", "other", f"{sum(range(61)):,}"} <= set(texts(view))
        assert "n060" not in texts(view)

    @pytest.mark.parametrize(("kind", "last"), [("stacked_bar", "other"), ("line", "s19")])
    def test_there_are_as_many_series_as_colours(self, kind: str, last: str, tmp_path: Path) -> None:
        rows = {"x": [1] * 20, "y": range(1, 21), "s": [f"s{number}" for number in range(20)]}
        rows = {name: [*values] * (2 if kind == "line" else 1) for name, values in rows.items()}
        if kind == "line":  # those of which there are the most points
            extra = [f"s{number}" for number in range(12, 20)]
            rows = {"x": [*rows["x"], *[2] * 8], "y": [*rows["y"], *[1] * 8], "s": [*rows["s"], *extra]}

        view = drawn(tmp_path, rows, type=kind, x="x", y="y", series="s")

        assert len(view.legend) == 8
        assert view.legend[-1][1] == last

    def test_days_of_years_are_summed_up(self, tmp_path: Path) -> None:
        rows = {"x": pa.array(range(8000), pa.int32()).cast(pa.date32()), "y": [1] * 8000}

        view = drawn(tmp_path, pa.table(rows), type="bar", x="x", y="y")

        assert view.notes == ["Each of 1,000 bars is the sum of an interval."]
        assert "from 8 (" in description(view)

    def test_names_below_a_line_are_few_enough_to_be_read(self, tmp_path: Path) -> None:
        view = drawn(tmp_path, {"x": [f"a long name {n}" for n in range(200)], "y": range(200)}, x="x", y="y")

        assert len([one for one in texts(view) if one.startswith("a long name")]) <= 16

    def test_a_heat_map_has_as_many_cells_as_a_page_takes(self, tmp_path: Path) -> None:
        rows = {
            "x": [n % 400 for n in range(40_000)],
            "s": [n // 400 for n in range(40_000)],
            "v": range(40_000),
        }

        view = drawn(tmp_path, rows, type="heat_map", x="x", y="s", value="v")

        assert view.notes == ["The first 100 of 400 columns and 100 of 100 rows."]
        assert len(view.svg or "") < 2_000_000


def test_rows_of_one_bar_are_added_up_and_it_says_so(tmp_path: Path) -> None:
    view = drawn(tmp_path, {"x": ["a", "b", "a"], "y": [1, 2, 3]}, type="bar", x="x", y="y")

    assert description(view).endswith("Y: 4 (a), 2 (b).")
    assert view.notes == ["Rows of the same bar are added up."]


def test_a_heat_map_names_its_colours(tmp_path: Path) -> None:
    rows = {"x": ["a", "b", "a"], "s": [2, 2, 10], "v": [0, 100, 50]}

    view = drawn(tmp_path, rows, type="heat_map", x="x", y="s", value="v", decimals=0)

    assert [label for _, label in view.legend] == ["0", "25", "50", "75", "100"]
    assert [one for one in texts(view) if one in ("2", "10")] == ["2", "10"]
    assert description(view) == "Heat map of v by x and s. 2: 0 (a), 100 (b). 10: 50 (a)."


def test_a_heat_map_has_its_texts_in_the_order_of_the_rows_and_goes_from_light_to_dark(
    tmp_path: Path,
) -> None:
    rows = {"x": ["tue", "mon", "tue", "mon"], "s": ["night", "night", "day", "day"], "v": [1, 2, 3, 4]}

    view = drawn(tmp_path, rows, type="heat_map", x="x", y="s", value="v")

    assert [one for one in texts(view) if one in ("mon", "tue")] == ["tue", "mon"]
    assert [one for one in texts(view) if one in ("day", "night")] == ["night", "day"]
    light = [sum(bytes.fromhex(color[1:])) for color, _ in view.legend]
    assert light == sorted(light, reverse=True)


def test_a_histogram_counts_every_value_once(tmp_path: Path) -> None:
    rows = {"x": [0.0, 1.0, 2.0, 3.0, 10.0, None, float("nan")]}

    view = drawn(tmp_path, rows, type="histogram", x="x", bins=2)

    assert description(view) == "Histogram of x. rows: 4 (2.5), 1 (7.5)."
    assert view.notes == ["2 rows have no value."]
    assert drawn(tmp_path, {"x": [1.0, 2.0, None]}, type="histogram", x="x").notes == ["1 row has no value."]


def test_a_histogram_of_texts_is_none(tmp_path: Path) -> None:
    view = drawn(tmp_path, {"x": ["a"]}, type="histogram", x="x")

    assert view.notes[0] == "A histogram is of numbers or times, and this column has texts."


@pytest.mark.parametrize("kind", [*TYPES, "heat_map", "histogram"])
def test_days_that_no_calendar_has_are_left_out(kind: str, tmp_path: Path) -> None:
    days = pa.array([0, 4_000_000, -800_000, 10], pa.int32()).cast(pa.date32())
    rows = pa.table({"x": days, "y": [1, 2, 3, 4], "s": ["a"] * 4})
    columns = {"y": "s", "value": "y"} if kind == "heat_map" else {"y": "y"}

    assert drawn(tmp_path, rows, type=kind, x="x", **columns).svg


@pytest.mark.parametrize("name", ["$x^2$", "_hidden", "日本語", "a\0b", "<b>&amp;", "x\ny"])
def test_any_text_may_name_a_column_a_series_or_a_bar(name: str, tmp_path: Path) -> None:
    rows = {name: [name, "b"], "y": [1, 2], "s": [name, name]}

    for kind in TYPES:
        view = drawn(tmp_path, rows, type=kind, x=name, y="y", series="s", x_title=name, y_title=name)
        assert view.svg


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match=r"z: the result of step rows has no such column; it has x, y\."):
        drawn(tmp_path, {"x": [1], "y": [1]}, x="x", y="z")


def test_it_is_a_picture_with_a_name_and_has_no_ids_of_others(tmp_path: Path) -> None:
    svg = drawn(tmp_path, {"x": [1, 2], "y": [1, 2]}, x="x", y="y").svg or ""

    assert 'role="img" aria-labelledby="chart-1-title chart-1-text"' in svg
    assert "<style" not in svg
    assert "<metadata" not in svg
    assert not re.search(r'<g id="', svg)


# --- colours ------------------------------------------------------------------------------------------


def luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def palettes() -> dict[str, list[str]]:
    css = (Path(draw.__code__.co_filename).parents[1] / "screen.css").read_text()
    light, dark = css.split("prefers-color-scheme: dark", 1)
    dark = dark.split("@media", 1)[0]
    return {
        "#ffffff": re.findall(r"--s\d: (#\w{6})", light.split("@media", 1)[0]),
        "#1b2128": re.findall(r"--s\d: (#\w{6})", dark),
    }


@pytest.mark.parametrize("paper", ["#ffffff", "#1b2128"])
def test_every_colour_can_be_seen_on_its_page(paper: str) -> None:
    colors = palettes()[paper]

    assert len(colors) == len(SERIES)
    assert [color for color in colors if contrast(color, paper) < 3] == []
    assert paper != "#ffffff" or tuple(colors) == SERIES


# Viénot, Brettel and Mollon: what a reader without red, or green, receptors sees, in linear RGB.
SEEN = {
    "all": np.eye(3),
    "no red": np.array([[0.10889, 0.89111, 0], [0.10889, 0.89111, 0], [0.00447, -0.00447, 1]]),
    "no green": np.array([[0.29031, 0.70969, 0], [0.29031, 0.70969, 0], [-0.02197, 0.02197, 1]]),
}


@pytest.mark.parametrize("paper", ["#ffffff", "#1b2128"])
@pytest.mark.parametrize("seen", SEEN)
def test_all_series_differ_for_readers_who_see_red_and_green_alike(paper: str, seen: str) -> None:
    def lab(color: str) -> Colors:
        parts = np.array([int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)])
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        rgb = np.clip(SEEN[seen] @ linear, 0, 1)
        lms = np.array([[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]]) @ rgb
        oklab = np.array([[0.2105, 0.7936, -0.0041], [1.9780, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]])
        return np.asarray(oklab @ np.cbrt(lms))

    colors = palettes()[paper]
    near = [
        (one, other) for one, other in combinations(colors, 2) if np.linalg.norm(lab(one) - lab(other)) < 0.1
    ]

    assert near == []
