"""The definitions that `make up` offers."""

import sys
from pathlib import Path

import pytest

from local import examples
from report_worker.query import produce, read_sources
from tests.support.recorded_work import RecordedWork
from waybill.definitions import read_file

FILES = sorted(examples.DEFINITIONS.glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_is_right(file: Path) -> None:
    assert read_file(file).name == f"query:{file.stem}"


def test_late_flights_are_found_in_the_data_that_comes_with_it(tmp_path: Path) -> None:
    found = examples.settings(tmp_path, Path(sys.prefix), "http://127.0.0.1:16686")
    sources = read_sources(Path(found["report-worker"]["WAYBILL_SOURCES"]))
    kind = read_file(examples.DEFINITIONS / "late-flights.yaml")
    (tmp_path / "work").mkdir()
    work = RecordedWork(tmp_path / "work", outputs=("html",))
    parameters = kind.read_parameters({"airport": "JFK", "carriers": ["B6", "DL"]})

    [page] = produce(kind.definition, parameters, work, sources=sources)

    text = page.path.read_text()
    assert "JetBlue Airways" in text
    assert "United Air Lines" not in text
