"""A real report, a month of flights from New York, as every file; and texts that no one has thought of."""

import csv
import json
import tempfile
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from report_worker.files import Document, write
from report_worker.files.csv_files import MEDIA_TYPE as CSV
from tests.support.documents import document, flights_document


@pytest.fixture(scope="module")
def flights(tmp_path_factory: pytest.TempPathFactory) -> Document:
    return flights_document(tmp_path_factory.mktemp("flights"), month=2)


@pytest.mark.parametrize(
    ("output", "media_type"),
    [
        ("html", "text/html; charset=utf-8"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("csv", CSV),
        ("parquet", "application/vnd.apache.parquet"),
        ("json", "application/json"),
    ],
)
def test_each_output_is_the_same_twice(
    output: str, media_type: str, flights: Document, tmp_path: Path
) -> None:
    (tmp_path / "again").mkdir()

    files, again = write(output, flights, tmp_path), write(output, flights, tmp_path / "again")

    assert [one.path.read_bytes() for one in files] == [one.path.read_bytes() for one in again]
    assert {one.media_type for one in files} == {media_type}
    assert all(one.filename.startswith("departures-2013-02-01_2013-02-28") for one in files)


def test_the_files_agree(flights: Document, tmp_path: Path) -> None:
    count = flights.results["flights"].rows
    html = write("html", flights, tmp_path)[0].path.read_text()
    workbook = openpyxl.load_workbook(write("xlsx", flights, tmp_path)[0].path, read_only=True)
    results = json.loads(write("json", flights, tmp_path)[0].path.read_text())["results"]
    lines = [len(one.path.read_text().splitlines()) for one in write("csv", flights, tmp_path)]
    parquet = [pq.read_metadata(one.path).num_rows for one in write("parquet", flights, tmp_path)]

    assert f"120 of {count:,} rows; the other files have all." in html
    assert "The service of the weather answered 503." in html
    assert sum(1 for row in workbook["flights"].iter_rows(values_only=True) if any(row)) == count + 2
    assert len(results["flights"]) == count
    assert lines[1] == count + 1
    assert parquet[1] == count
    assert html.count("<svg") - html.count('<svg viewBox="0 0 10 10"') == 8


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=10))
def test_any_text_comes_back(texts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = document(folder, {"one": {"text": texts}})
        with write("csv", made, folder)[0].path.open(encoding="utf-8", newline="") as file:
            read = [row[0] for row in csv.reader(file)][1:]
        rows = json.loads(write("json", made, folder)[0].path.read_text(encoding="utf-8"))["results"]["one"]

    assert [row["text"] for row in rows] == texts
    for text, cell in zip(texts, read, strict=True):
        formula = text.startswith(("=", "+", "-", "@", "\t", "\r"))
        assert cell == ("'" if formula else "") + text.replace("\0", "\ufffd")
