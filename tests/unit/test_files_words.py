"""Texts, names and values in braces of the files of a report."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from report_worker.files.filling import Values, heading
from report_worker.files.markdown import to_html
from report_worker.files.naming import file_name, sheet_name
from report_worker.files.words import (
    clean,
    parameters_in_words,
    period_in_words,
    title_of,
    value_in_a_name,
    value_in_words,
)
from tests.support.documents import definition, document
from waybill.errors import PermanentError

JULY = {"first": date(2026, 7, 1), "last": date(2026, 7, 31)}
PERIOD = {"month": {"type": "date_range", "title": "Period"}}


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (date(2026, 7, 1), date(2026, 7, 1), "1 July 2026"),
        (date(2026, 7, 1), date(2026, 7, 31), "July 2026"),
        (date(2026, 7, 1), date(2026, 7, 7), "1 to 7 July 2026"),
        (date(2026, 1, 1), date(2026, 12, 31), "2026"),
        (date(2026, 6, 30), date(2026, 7, 7), "30 June to 7 July 2026"),
        (date(2025, 12, 30), date(2026, 1, 2), "30 December 2025 to 2 January 2026"),
    ],
)
def test_a_period_is_as_short_as_is_clear(first: date, last: date, expected: str) -> None:
    assert period_in_words(first, last) == expected


def test_parameters_are_in_words_with_the_labels_of_their_choices() -> None:
    given = definition(
        ["orders"],
        parameters={
            **PERIOD,
            "carriers": {
                "type": "text",
                "multiple": True,
                "choices": [{"value": "B6", "label": "JetBlue"}, "UA"],
            },
            "late": {"type": "boolean"},
            "nothing": {"type": "text", "optional": True},
        },
    )
    values = {"month": JULY, "carriers": ["B6", "UA"], "late": False, "nothing": None}

    assert list(parameters_in_words(given, values)) == [
        ("Period", "July 2026"),
        ("Carriers", "JetBlue, UA"),
        ("Late", "no"),
    ]


def test_a_whole_number_has_no_decimals() -> None:
    assert (value_in_words(0.0), value_in_words(2.5), value_in_a_name(3.0)) == ("0", "2.5", "3")


def test_a_name_for_programs_becomes_a_title() -> None:
    names = ["country", "sold_items", "orderId", "Net € ", "_", "日本"]
    assert [title_of(one) for one in names] == ["Country", "Sold items", "orderId", "Net € ", "_", "日本"]


def test_control_characters_and_what_is_no_character_are_replaced() -> None:
    assert clean("a\0b\x1b[31m\x85\ud800\uffff\tc\nd") == "a�b�[31m���\tc\nd"


class TestValues:
    def test_come_from_parameters_and_first_rows(self, tmp_path: Path) -> None:
        given = document(
            tmp_path,
            {"totals": {"flights": [1234, 5], "share": [0.256, 1.0]}},
            {"month": JULY},
            parameters=PERIOD,
            heading="{month} from {month_first} on: {totals.flights}, {totals.share:percent} {{of all}}",
        )

        assert heading(given, Values(given)) == "July 2026 from 1 July 2026 on: 1,234, 25.6% {of all}"

    def test_are_a_dash_where_a_result_is_empty_or_missing(self, tmp_path: Path) -> None:
        given = document(tmp_path, {"empty": {"n": []}}, missing={"gone": "why"}, heading="{empty.n}{gone.n}")

        assert heading(given, Values(given)) == "––"

    @pytest.mark.parametrize(
        ("words", "reason"),
        [
            ("{totals.other}", "other: the result of step totals has no such column; it has flights."),
            ("{nothing}", "{nothing}: the report has no such parameter."),
            ("{gone.n}", "gone: the report has no result of this step."),
        ],
    )
    def test_must_be_there(self, words: str, reason: str, tmp_path: Path) -> None:
        given = document(tmp_path, {"totals": {"flights": [1]}}, heading=words)

        with pytest.raises(PermanentError) as caught:
            heading(given, Values(given))

        assert str(caught.value) == reason

    def test_are_found_in_other_letters_only_if_one_column_alone_fits(self, tmp_path: Path) -> None:
        given = document(
            tmp_path, {"totals": {"N": [1], "n": [2], "Sum": [3]}}, heading="{totals.n}{totals.sum}"
        )

        assert heading(given, Values(given)) == "23"


class TestMarkdown:
    def html(self, words: str, tmp_path: Path, value: str = "x") -> str:
        given = document(tmp_path, {"one": {"name": [value]}})
        return str(to_html(words, Values(given)))

    def test_is_rendered_below_the_headings_of_the_page(self, tmp_path: Path) -> None:
        assert self.html(
            "# A\n\n**b** and *c*\n\n- d\n\n| e | f |\n|---|---|\n| 1 | 2 |", tmp_path
        ).startswith("<h3>A</h3>\n<p><strong>b</strong> and <em>c</em></p>\n<ul>\n<li>d</li>\n</ul>\n<table>")

    def test_has_no_html(self, tmp_path: Path) -> None:
        html = self.html("<script>alert(1)</script>\n\na <b onclick=x>b</b> &lt;i&gt; <!-- c -->", tmp_path)

        assert "<script" not in html
        assert "<b" not in html
        assert "&lt;script&gt;" in html

    def test_has_links_to_pages_and_mail_alone(self, tmp_path: Path) -> None:
        html = self.html(
            "[a](https://x.test/) [b](mailto:a@x.test) [c](javascript:alert(1)) [d](data:text/html,x)"
            " [e](/relative) [f](file:///etc/passwd) <https://y.test> <javascript:x>",
            tmp_path,
        )

        assert html.count("href=") == 3
        assert html.count('rel="noopener noreferrer"') == 3
        assert 'href="https://x.test/"' in html

    def test_loads_no_image(self, tmp_path: Path) -> None:
        html = self.html("![a](https://x.test/a.png) ![b][c]\n\n[c]: https://x.test/b.png", tmp_path)

        assert "<img" not in html

    @pytest.mark.parametrize(
        "value",
        [
            "<script>alert(1)</script>",
            "**bold**",
            "[a](https://x.test)",
            "`code`",
            "\n\n# heading",
            "{one.name}",
        ],
    )
    def test_a_value_is_text_whatever_it_is(self, value: str, tmp_path: Path) -> None:
        html = self.html("It is **{one.name}**, {{so}}.", tmp_path, value)

        assert html.startswith("<p>It is <strong><bdi>")
        assert html.endswith("</bdi></strong>, {so}.</p>\n")
        assert "<script" not in html
        assert html.count("<strong>") == 1
        assert not any(tag in html for tag in ("<a", "<code", "<h"))

    def test_braces_in_code_stay(self, tmp_path: Path) -> None:
        assert "<code>{one.name}</code>" in self.html("`{one.name}`", tmp_path)


class TestFileNames:
    @pytest.mark.parametrize(
        ("pattern", "parameters", "expected"),
        [
            (None, {}, "sales.csv"),
            ("sales of {month}", {"month": JULY}, "sales of 2026-07-01_2026-07-31.csv"),
            ("sales-{month_first}", {"month": JULY}, "sales-2026-07-01.csv"),
            ("a/../{text}\\c:d", {"text": "../../etc/passwd\0"}, "a_.._.._.._etc_passwd_c_d.csv"),
            ("{text}", {"text": "\u202efdp.exe\n"}, "_fdp.exe_.csv"),
            ("{text}", {"text": "..."}, "sales.csv"),
            ("{text}", {"text": None}, "none.csv"),
            ("{text}", {"text": ["B6", "UA"]}, "B6_UA.csv"),
        ],
    )
    def test_are_safe(self, pattern: str | None, parameters: dict[str, Any], expected: str) -> None:
        given = definition(["orders"], filename=pattern)

        assert file_name(given, parameters, "csv") == expected

    def test_have_200_bytes_at_most_and_whole_characters(self) -> None:
        name = file_name(definition(["orders"], filename="{text}"), {"text": "é" * 300}, "parquet", "orders")

        assert len(name.encode()) <= 200
        assert name.endswith("é-orders.parquet")


class TestSheetNames:
    def test_are_legal_and_not_taken(self) -> None:
        assert sheet_name("[a]:*?/\\b", set()) == "a b"
        assert sheet_name("'quoted'", set()) == "quoted"
        assert sheet_name("\0", set()) == "Sheet"
        assert sheet_name("History", set()) == "History of data"
        assert sheet_name("Orders", {"orders"}) == "Orders (2)"
        assert sheet_name("Orders", {"orders", "orders (2)"}) == "Orders (3)"

    def test_have_31_units_at_most(self) -> None:
        assert sheet_name("x" * 40, {"x" * 31}) == "x" * 27 + " (2)"
        assert sheet_name("😀" * 20, set()) == "😀" * 15
