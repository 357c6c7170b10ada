"""The page of a report: what it shows, and that data cannot change it."""

import re
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest

from report_worker.files import Document, write
from report_worker.files.limits import MAX_TEXT
from tests.support.documents import document
from tests.unit.test_files_data import HOSTILE, TYPED
from waybill.errors import PermanentError

SALES = {
    "city": ["Bonn", "Bonn", "Köln", "Köln", "Köln", "Bonn"],
    "shop": ["a", "b", "c", "d", None, "e"],
    "amount": [10.5, 20.0, -5.0, None, 1.0, 100.0],
    "count": [1, 2, 3, 4, 5, 6],
}


class Page(HTMLParser):
    """The texts of a page, of each element by its name; the cells of its tables; and all attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: dict[str, list[str]] = {}
        self.rows: list[list[str]] = []
        self.attributes: list[tuple[str, str, str]] = []
        self._open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        if tag not in ("meta", "col", "br", "hr"):
            self._open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        for tag in set(self._open) - {"html", "body", "main", "section", "div", "figure", "table", "tbody"}:
            self.texts[tag][-1] += data
        if {"td", "th"} & set(self._open):
            self.rows[-1][-1] += data


def html_of(given: Document, folder: Path) -> str:
    return write("html", given, folder)[0].path.read_text(encoding="utf-8")


def page_of(given: Document, folder: Path) -> Page:
    return Page(html_of(given, folder))


def table(**given: Any) -> dict[str, Any]:
    return {"sections": [{"blocks": [{"table": {"from": "sales", **given}}]}]}


class TestTables:
    def test_without_columns_all_are_shown_as_they_are(self, tmp_path: Path) -> None:
        page = page_of(document(tmp_path, {"sales": SALES}), tmp_path)

        assert page.rows[:2] == [["City", "Shop", "Amount", "Count"], ["Bonn", "a", "10.5", "1"]]
        assert page.rows[4:6] == [["Köln", "d", "–", "4"], ["Köln", "–", "1.0", "5"]]

    def test_numbers_stand_at_the_right(self, tmp_path: Path) -> None:
        html = html_of(document(tmp_path, {"sales": SALES}), tmp_path)

        assert '<td class="n">10.5</td>' in html
        assert '<th scope="col" class="n">Amount</th>' in html
        assert '<td class="">a</td>' in html

    def test_totals_are_over_all_rows_though_few_are_shown(self, tmp_path: Path) -> None:
        columns = [
            "city",
            {"name": "shop", "total": "count"},
            {"name": "amount", "total": "mean", "decimals": 1},
            {"name": "count", "total": "sum"},
        ]
        page = page_of(document(tmp_path, {"sales": SALES}, **table(columns=columns, rows=2)), tmp_path)

        assert page.rows[-1] == ["Total", "count 5", "mean 25.3", "21"]
        assert len(page.rows) == 1 + 2 + 1
        assert "2 of 6 rows; the other files have all." in page.texts["p"]

    def test_groups_are_runs_of_a_value_with_totals_of_all_of_their_rows(self, tmp_path: Path) -> None:
        columns = ["city", "shop", {"name": "count", "total": "sum"}]
        given = document(tmp_path, {"sales": SALES}, **table(columns=columns, rows=3, group_by="city"))

        assert page_of(given, tmp_path).rows == [
            ["Shop", "Count"],
            ["City Bonn"],
            ["a", "1"],
            ["b", "2"],
            ["Bonn", "3"],
            ["City Köln"],
            ["c", "3"],
            ["Köln", "12"],  # of three rows, of which one is shown
            ["Total", "21"],
        ]

    def test_a_long_group_ends_far_below_what_is_shown(self, tmp_path: Path) -> None:
        keys = pa.array([None] * 3 + ["a"] * 50_000 + ["b"])
        columns = ["k", {"name": "n", "total": "sum"}]
        given = document(
            tmp_path,
            {"sales": pa.table({"k": keys, "n": [1] * 50_004})},
            **table(columns=columns, group_by="k", rows=5),
        )

        assert page_of(given, tmp_path).rows[-5:] == [["K a"], ["1"], ["1"], ["50,000"], ["50,004"]]

    def test_bars_show_values_on_both_sides_of_zero(self, tmp_path: Path) -> None:
        columns = [{"name": "amount", "bar": True}]
        html = html_of(document(tmp_path, {"sales": SALES}, **table(columns=columns)), tmp_path)

        bars = re.findall(r'class="(bar[^"]*)"><i style="margin-left:([\d.]+)%;width:([\d.]+)%"', html)
        assert bars[0] == ("bar", "4.76", "10.00")
        assert bars[2] == ("bar below", "0.00", "4.76")
        assert len(bars) == 5

    def test_a_sum_of_text_is_refused(self, tmp_path: Path) -> None:
        given = document(tmp_path, {"sales": SALES}, **table(columns=[{"name": "shop", "total": "sum"}]))

        with pytest.raises(
            PermanentError,
            match=r"shop: total: sum is of numbers, and the column of step sales has string; .*"
            r" See section 1, block 1 of the definition\.",
        ):
            html_of(given, tmp_path)

    def test_also_of_the_column_of_its_groups(self, tmp_path: Path) -> None:
        columns = [{"name": "city", "total": "sum"}, "count"]
        given = document(tmp_path, {"sales": SALES}, **table(columns=columns, group_by="city"))

        with pytest.raises(PermanentError, match="city: total: sum is of numbers"):
            html_of(given, tmp_path)

    def test_a_bar_has_room_beside_its_number(self, tmp_path: Path) -> None:
        given = document(
            tmp_path, {"sales": SALES}, **table(columns=["city", {"name": "count", "bar": True}])
        )

        html = html_of(given, tmp_path)

        assert '<td class="n b"><span class="bar">' in html
        assert "td.b { padding-left: calc(var(--bar-width) + 5mm); }" in html

    def test_totals_leave_out_what_is_no_number_and_are_exact(self, tmp_path: Path) -> None:
        rows = pa.table({"f": [1.0, float("nan"), float("inf")], "n": pa.array([2**62] * 3, pa.int64())})
        columns = [{"name": name, "total": "sum"} for name in ("f", "n")]

        page = page_of(document(tmp_path, {"sales": rows}, **table(columns=columns)), tmp_path)

        assert page.rows[-1] == ["1", f"{3 * 2**62:,}"]

    def test_times_say_their_zone_above_them(self, tmp_path: Path) -> None:
        page = page_of(document(tmp_path, {"sales": TYPED.select(["zoned"])}), tmp_path)

        assert page.rows[:2] == [["Zoned (Asia/Tokyo)"], ["2026-07-01 18:05"]]

    def test_an_empty_result_says_so(self, tmp_path: Path) -> None:
        columns = ["city", {"name": "count", "total": "sum"}]
        rows = pa.table(SALES).slice(0, 0)

        page = page_of(
            document(tmp_path, {"sales": rows}, **table(columns=columns, group_by="city")), tmp_path
        )

        assert "No rows." in page.texts["p"]

    def test_every_type_is_shown(self, tmp_path: Path) -> None:
        page = page_of(document(tmp_path, {"sales": TYPED}), tmp_path)

        row = page.rows[1]
        assert row[5] == "12,345,678,901,234,567,890,123,456,789.01"
        assert row[8] == "12921-08-18"
        assert row[-1] == "–"

    def test_many_columns_and_rows_are_bounded(self, tmp_path: Path) -> None:
        rows = {f"c{number}": range(1000) for number in range(300)}

        page = page_of(document(tmp_path, {"sales": rows}, **table(rows=5000)), tmp_path)

        assert "500 of 1,000 rows; the other files have all." in page.texts["p"]
        assert "200 of 300 columns; the other files have all." in page.texts["p"]


class TestBlocks:
    def test_figures_have_formats_and_one_of_an_empty_result_is_a_dash(self, tmp_path: Path) -> None:
        figures = [
            {"label": "Share", "value": "totals.share", "format": "percent"},
            {"label": "None", "value": "empty.n"},
        ]
        results = {"totals": {"share": [0.25]}, "empty": {"n": pa.array([], pa.int64())}}

        page = page_of(document(tmp_path, results, sections=[{"blocks": [{"figures": figures}]}]), tmp_path)

        assert page.texts["dt"] == ["Share", "None"]
        assert page.texts["dd"] == ["25.0%", "–"]

    def test_what_needs_a_missing_step_is_a_note_with_the_reason(self, tmp_path: Path) -> None:
        blocks = [
            {"text": "There were {gone.n}."},
            {"figures": [{"label": "a", "value": "here.n"}, {"label": "b", "value": "gone.n"}]},
            {"table": {"from": "gone", "title": "Its table"}},
            {"chart": {"type": "line", "from": "gone", "x": "a", "y": "b", "title": "Its chart"}},
        ]
        given = document(
            tmp_path,
            {"here": {"n": [7]}},
            missing={"gone": "The service answered 503 <now>."},
            sections=[{"title": "All", "blocks": blocks}],
        )

        page = page_of(given, tmp_path)

        assert page.texts["li"] == ["gone: The service answered 503 <now>."] * 4
        assert "There were" not in " ".join(page.texts["p"])
        assert page.texts["dd"] == ["7"]
        assert page.texts["b"] == ["Its table", "Its chart"]

    def test_a_contents_list_is_there_from_five_sections_on(self, tmp_path: Path) -> None:
        def links(count: int, folder: Path) -> list[str]:
            sections = [{"title": f"Part {n}", "blocks": [{"text": "x"}]} for n in range(count)]
            page = page_of(document(folder, {"one": {"a": [1]}}, sections=sections), folder)
            anchors = {value for tag, name, value in page.attributes if (tag, name) == ("section", "id")}
            found = [value for tag, name, value in page.attributes if (tag, name) == ("a", "href")]
            assert {one.removeprefix("#") for one in found} <= anchors
            return found

        (tmp_path / "few").mkdir()
        (tmp_path / "many").mkdir()
        assert links(4, tmp_path / "few") == []
        assert len(links(5, tmp_path / "many")) == 5

    def test_the_heading_has_the_parameters_in_words(self, tmp_path: Path) -> None:
        given = document(
            tmp_path,
            {"one": {"a": [1]}},
            {"month": {"first": date(2026, 7, 1), "last": date(2026, 7, 31)}},
            parameters={"month": {"type": "date_range", "title": "Period"}},
            heading="Sales in {month}",
        )

        page = page_of(given, tmp_path)

        assert page.texts["h1"] == page.texts["title"] == ["Sales in July 2026"]
        assert (page.texts["dt"], page.texts["dd"]) == (["Period"], ["July 2026"])


class TestHostileData:
    EVIL: ClassVar[list[str]] = [
        "<script>alert(1)</script>",
        "</style><img src=x onerror=alert(1)>",
        "\" onload='x'",
        "&lt;b&gt;",
        "]]>",
    ]

    def everywhere(self, folder: Path, evil: str) -> Document:
        """A document in which this text is whatever data, parameters and a definition can decide."""
        rows = {evil: [evil, evil], "n": [1, 2], "s": [evil, "b"]}
        chart = {"from": "sales", "x": evil, "title": evil, "alt": evil, "x_title": evil, "y_title": evil}
        blocks = [
            {"text": f"{evil} {{sales.s}} {{text}}"},
            {"figures": [{"label": evil, "value": "sales.s"}]},
            {"table": {"from": "sales", "title": evil, "group_by": "s", "columns": [evil, "s", "n"]}},
            {"chart": {"type": "bar", "y": "n", "series": "s", **chart}},
            {"chart": {"type": "line", "y": "n", **chart}},
            {"chart": {"type": "heat_map", "y": "s", "value": "n", **chart}},
            {"table": {"from": "gone", "title": evil}},
        ]
        return document(
            folder,
            {"sales": rows},
            {"text": evil},
            {"gone": evil},
            title=evil,
            description=evil,
            heading="{text} {sales.s}",
            parameters={"text": {"type": "text", "title": evil}},
            sections=[{"title": evil, "blocks": blocks}],
        )

    @pytest.mark.parametrize("evil", [*EVIL, "{", "$x^2$", "_hidden", "\u202edrow", "a\0b\x1b"])
    def test_is_text_wherever_it_is(self, evil: str, tmp_path: Path) -> None:
        if evil == "{":  # a fault in texts of a definition, which are refused before; in data it is a text
            rows = {"s": [evil], "n": [1]}
            given = document(tmp_path, {"sales": rows}, {"text": evil}, heading="{text}{sales.s}")
        else:
            given = self.everywhere(tmp_path, evil)
        html = html_of(given, tmp_path)
        page = Page(html)

        assert set(page.texts) <= TAGS
        assert not [one for one in page.attributes if one[1].startswith("on")]
        assert html.count("</style>") == 1
        assert not re.search("[\x00-\x08\x0b-\x1f]", html)
        addresses = [value for _, name, value in page.attributes if name in ("href", "src", "xlink:href")]
        assert all(one.startswith("#") for one in addresses)

    def test_long_and_odd_cells_are_cut_and_cleaned(self, tmp_path: Path) -> None:
        page = page_of(document(tmp_path, {"sales": {"text": HOSTILE}}), tmp_path)

        cells = [one.strip() for one in page.texts["td"]]
        assert "x" * MAX_TEXT + "…" in cells
        assert "a\ufffdb" in cells
        assert max(map(len, cells)) <= MAX_TEXT + 1


TAGS = {
    *("html", "head", "title", "style", "body", "main", "header", "h1", "h2", "nav", "ol", "ul", "li", "a"),
    *("section", "div", "p", "b", "bdi", "dl", "dt", "dd", "figure", "figcaption", "table", "thead", "tbody"),
    *("tr", "th", "td", "small", "span", "i", "svg", "desc", "g", "path", "defs", "text", "rect", "clippath"),
}
"""The elements that a page may have: none loads or runs anything."""


def test_a_page_has_all_inside_and_runs_nothing(tmp_path: Path) -> None:
    chart = {"type": "line", "from": "sales", "x": "count", "y": "amount"}
    given = document(
        tmp_path, {"sales": SALES}, sections=[{"blocks": [{"chart": chart}, {"table": {"from": "sales"}}]}]
    )

    html = html_of(given, tmp_path)

    assert not re.search(
        r"<(script|link|img|iframe|object|embed|base|form)\b|url\((?!#)|@import|@font-face", html
    )
    outside = set(re.findall(r"https?://[^\"' )<]+", html))
    assert outside <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}  # names, not addresses
    assert '<html lang="en">' in html
    assert "prefers-color-scheme: dark" in html
    assert "overflow-x: auto" in html
    assert "table-header-group" in html


def test_the_same_document_is_the_same_page(tmp_path: Path) -> None:
    chart = {"type": "scatter", "from": "sales", "x": "count", "y": "amount", "series": "city"}
    given = document(
        tmp_path, {"sales": SALES}, sections=[{"blocks": [{"chart": chart}, {"table": {"from": "sales"}}]}]
    )
    (tmp_path / "again").mkdir()

    assert html_of(given, tmp_path) == html_of(given, tmp_path / "again")
