"""PDF of a report, read back by pypdf."""

import ctypes
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader
from pypdf.generic import DictionaryObject

from report_worker.files import Document, availability, unavailable, write
from report_worker.files.pdf import _read
from tests.support.documents import document
from waybill.errors import PermanentError

needs_pango = pytest.mark.skipif(unavailable("pdf") is not None, reason=str(unavailable("pdf")))

ROWS = {"city": [f"city {number}" for number in range(90)], "n": range(90)}


def sections(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"sections": [{"title": "First part", "blocks": list(blocks)}]}


def read(given: Document, folder: Path) -> Any:
    [artefact] = write("pdf", given, folder)
    assert artefact.media_type == "application/pdf"
    return PdfReader(artefact.path)


def structure(element: Any) -> list[str]:
    """The tags of a document, in order."""
    one = element.get_object() if hasattr(element, "get_object") else element
    if isinstance(one, list):
        return [tag for child in one for tag in structure(child)]
    if not isinstance(one, DictionaryObject):
        return []
    return [*([str(one["/S"])] if "/S" in one else []), *structure(one.get("/K", []))]


@needs_pango
class TestPages:
    @pytest.fixture(scope="class")
    @classmethod
    def pdf(cls, tmp_path_factory: pytest.TempPathFactory) -> Any:
        folder = tmp_path_factory.mktemp("pdf")
        given = document(
            folder,
            {"orders": ROWS},
            {"city": "Bonn"},
            heading="Orders of {city}",
            description="All <orders>",
            parameters={"city": {"type": "text", "title": "City"}},
            **sections(
                {"text": "See [the shop](https://shop.test/orders)."},
                {"chart": {"type": "bar", "from": "orders", "x": "city", "y": "n", "title": "As bars"}},
                {"table": {"from": "orders", "columns": ["city", {"name": "n", "total": "sum"}]}},
            ),
        )
        return read(given, folder)

    def test_have_numbers_and_a_running_heading_but_on_the_first(self, pdf: Any) -> None:
        texts = [page.extract_text() for page in pdf.pages]

        assert len(texts) >= 3
        assert all(f"{number} of {len(texts)}" in text for number, text in enumerate(texts, 1))
        assert texts[0].count("Orders of Bonn") == 1
        assert all("Orders of Bonn" in text for text in texts[1:])

    def test_repeat_the_header_of_a_table_and_have_every_row(self, pdf: Any) -> None:
        texts = [page.extract_text() for page in pdf.pages]
        whole = "\n".join(texts)

        assert all(f"city {number}" in whole for number in range(90))
        assert ["city 0 0" in text for text in texts] == [False, True, False]
        assert ["city 89 89" in text for text in texts] == [False, False, True]
        assert ["City N\n" in text for text in texts[1:]] == [True, True], texts
        assert "4,005" in texts[-1]

    def test_are_tagged_for_screen_readers(self, pdf: Any) -> None:
        root = pdf.root_object

        assert root["/MarkInfo"]["/Marked"]
        assert root["/Lang"] == "en"
        assert root["/ViewerPreferences"]["/DisplayDocTitle"]
        tags = structure(root["/StructTreeRoot"]["/K"])
        assert {"/Document", "/H1", "/H2", "/P", "/Table", "/TR", "/TH", "/TD", "/Figure", "/Link"} <= set(
            tags
        )
        assert b"pdfuaid:part" in pdf.xmp_metadata.stream.get_data()

    def test_a_chart_says_what_it_shows(self, pdf: Any) -> None:
        def alternatives(element: Any) -> list[str]:
            one = element.get_object() if hasattr(element, "get_object") else element
            if isinstance(one, list):
                return [text for child in one for text in alternatives(child)]
            if not isinstance(one, DictionaryObject):
                return []
            return [*([str(one["/Alt"])] if "/Alt" in one else []), *alternatives(one.get("/K", []))]

        spoken = alternatives(pdf.root_object["/StructTreeRoot"]["/K"])
        assert any(one.startswith("As bars. Bar chart of n by city.") for one in spoken)

    def test_have_bookmarks_links_and_a_title_but_no_date(self, pdf: Any) -> None:
        links = [
            one.get_object()["/A"]["/URI"]
            for page in pdf.pages
            for one in page.get("/Annots", [])
            if "/A" in one.get_object()
        ]

        assert links == ["https://shop.test/orders"]
        assert pdf.metadata is not None
        assert pdf.metadata.title == "Orders of Bonn"
        assert pdf.metadata.creation_date is None
        [heading, parts] = pdf.outline
        assert heading["/Title"] == "Orders of Bonn"
        assert [one["/Title"] for one in parts] == ["First part"]


@needs_pango
def test_the_same_document_is_the_same_file(tmp_path: Path) -> None:
    chart = {"type": "line", "from": "orders", "x": "n", "y": "n"}
    given = document(
        tmp_path, {"orders": {"n": [1, 2]}}, **sections({"chart": chart}, {"table": {"from": "orders"}})
    )
    (tmp_path / "again").mkdir()

    [one], [other] = write("pdf", given, tmp_path), write("pdf", given, tmp_path / "again")

    assert one.path.read_bytes() == other.path.read_bytes()


@needs_pango
@pytest.mark.parametrize("before", [36, 37, 38, 39, 40])
def test_a_group_goes_on_with_its_name_and_begins_with_rows(before: int, tmp_path: Path) -> None:
    sizes = {"alpha": before, "beta": 60, "gamma": 3}
    rows = {
        "shop": [name for name, size in sizes.items() for _ in range(size)],
        "n": [number for size in sizes.values() for number in range(size)],
        "item": [f"item {number}" for size in sizes.values() for number in range(size)],
    }
    columns = ["shop", "item", {"name": "n", "total": "sum"}]
    block = {"table": {"from": "orders", "group_by": "shop", "columns": columns}}

    pages = read(document(tmp_path, {"orders": rows}, **sections(block)), tmp_path).pages

    texts = [page.extract_text() for page in pages]
    assert len(texts) > 1
    assert "continued" not in texts[0]
    assert all("Shop: beta, continued" in one or "Shop beta" in one for one in texts[1:-1])
    for text in texts:
        lines = [line for line in text.splitlines() if " of " not in line and "continued" not in line]
        assert not lines[-1].startswith("Shop ")  # no group's name alone at the foot of a page
        assert lines[0] != "alpha"
    assert sum(text.count("Shop: beta, continued") for text in texts) >= 1


@needs_pango
def test_a_wide_table_is_across_the_page_and_has_as_many_columns_as_fit(tmp_path: Path) -> None:
    rows = {f"column {number}": [number, 1] for number in range(30)}

    pdf = read(document(tmp_path, {"orders": rows}, **sections({"table": {"from": "orders"}})), tmp_path)

    wide = [page for page in pdf.pages if page.mediabox.width > page.mediabox.height]
    assert len(wide) == 1
    assert "25 of 30 columns; the other files have all." in wide[0].extract_text()


@needs_pango
@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9/a.png", "https://x.test/a.png", "file:///etc/passwd", "data:text/plain,a"]
)
def test_nothing_is_fetched_whatever_a_page_names(address: str) -> None:
    """No page of ours names anything: here one does."""
    page = _read("<p>text</p>")

    with pytest.raises(ValueError, match="disallowed protocol"):
        page.url_fetcher(address)


@needs_pango
def test_a_page_with_addresses_becomes_a_file_without_them(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    html = f'<link rel=stylesheet href="{secret.as_uri()}"><img src="{secret.as_uri()}"><p>text</p>'
    path = tmp_path / "page.pdf"

    _read(html).write_pdf(path, attachments=None)

    assert PdfReader(path).pages[0].extract_text().strip() == "text"


@needs_pango
def test_hostile_data_is_text(tmp_path: Path) -> None:
    evil = ["<script>x</script>", "</style><b>", "\u202edrow", "a\0b", "x" * 100_000]

    pdf = read(document(tmp_path, {"orders": {"text": evil}}), tmp_path)

    assert "<script>x</script>" in pdf.pages[0].extract_text()


@needs_pango
def test_characters_that_no_font_has_do_not_stop_it(tmp_path: Path) -> None:
    given = document(tmp_path, {"orders": {"text": ["日本語", "\U0001fae8", "\U000e0041"]}})

    assert len(read(given, tmp_path).pages) == 1


class TestWithoutPango:
    def test_it_is_refused_in_one_line_that_says_what_to_install(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def missing(name: str) -> None:
            raise OSError(name)

        monkeypatch.setattr(ctypes, "CDLL", missing)
        availability._can_be_loaded.cache_clear()
        try:
            reason = unavailable("pdf") or ""
            with pytest.raises(PermanentError) as caught:
                write("pdf", document(tmp_path, {"orders": {"n": [1]}}), tmp_path)
        finally:
            availability._can_be_loaded.cache_clear()

        assert str(caught.value) == reason
        assert "apt-get install libpango-1.0-0 libpangoft2-1.0-0" in reason
        assert "\n" not in reason

    def test_every_other_output_is_there(self) -> None:
        assert [unavailable(one) for one in ("html", "xlsx", "csv", "parquet", "json")] == [None] * 5
