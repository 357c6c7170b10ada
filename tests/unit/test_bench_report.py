"""What a run of `make bench` leaves: a file for programs, a page and charts for people."""

import json
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from tests.bench import page, report, results
from tests.bench.charts import Bar, bars
from tests.bench.counts.bounds import BOUNDS
from tests.bench.page import BEGIN, END
from tests.bench.results import Circumstances, Counted, Ratio, Results
from tests.conftest import TESTS

CIRCUMSTANCES = Circumstances(
    "make bench BENCH=full BENCH_ONLY=drain", "full", "2026-11-27 10:00 UTC", 2, (0.5, 3.0)
)
RATIO = Ratio(
    "drain_celery", 0.16, (0.14, 0.2), 5, {"Waybill": 40.0, "Celery": 250.0}, "jobs/s", CIRCUMSTANCES
)
PARTS = ("worker", "slots", "producer-api", "postgres", "kafka", "collector", "jaeger")
SVG = "{http://www.w3.org/2000/svg}"
SITUATIONS = ("alone", "load", "step_alone", "step_load", "idle_second")


def counts() -> dict[str, float]:
    found = {name: bound.most / 2 for name, bound in BOUNDS.items()}
    found |= {f"cpu_ms_{part}_{situation}": 2.0 for part in PARTS for situation in SITUATIONS}
    return {**found, **{f"cpu_ms_{situation}": 14.0 for situation in SITUATIONS}}


def measured() -> Results:
    return Results({"drain_celery": RATIO}, Counted(counts(), CIRCUMSTANCES))


def test_the_file_has_each_ratio_with_what_it_must_be_and_each_count(tmp_path: Path) -> None:
    file = tmp_path / "build/bench.json"

    report.write(file, measured())

    assert json.loads(file.read_text()) == {
        "ratios": {"drain_celery": {"value": 0.16, "must": 1.5, "goal": 3, "spread": [0.14, 0.2]}},
        "counts": counts(),
    }


def test_the_file_is_there_where_nothing_was_measured(tmp_path: Path) -> None:
    report.write(tmp_path / "bench.json", Results())

    assert json.loads((tmp_path / "bench.json").read_text()) == {"ratios": {}, "counts": {}}


def test_the_tables_have_both_sides_and_every_bound() -> None:
    console = Console(file=StringIO(), width=200)

    report.show(console, measured())

    assert isinstance(console.file, StringIO)
    text = console.file.getvalue()
    assert "Waybill 40, Celery 250 jobs/s" in text
    assert all(name in text for name in BOUNDS)
    assert all(part in text for part in PARTS)


def test_figures_stay_until_they_are_measured_again(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    results.save(file, measured())

    kept = results.load(file)
    kept.update(Results({"tracing": RATIO}))

    assert kept.ratios == {"drain_celery": RATIO, "tracing": RATIO}
    assert kept.counted == Counted(counts(), CIRCUMSTANCES)


def test_nothing_is_kept_before_the_first_run(tmp_path: Path) -> None:
    assert results.load(tmp_path / "missing.json") == Results()


def test_the_page_has_each_figure_beside_its_command_and_its_load() -> None:
    text = page.render(measured())

    (line,) = (line for line in text.splitlines() if "`drain_celery`" in line)
    assert "**0.16**" in line
    assert "5: 0.14 to 0.2" in line
    assert "`make bench BENCH=full BENCH_ONLY=drain`" in line
    assert "0.5 to 3, 2 cores" in line
    assert "`tracing`: reports drained in a second, traced against untraced | 0.95 | not measured" in text
    assert "full-page images" in text


def test_what_is_written_by_hand_stays_on_the_page(tmp_path: Path) -> None:
    file = tmp_path / "performance.md"
    file.write_text(f"# before\n{BEGIN}\nold\n{END}\nafter\n")

    page.write(file, measured())

    text = file.read_text()
    assert text.startswith("# before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    assert sorted(chart.name for chart in (tmp_path / "performance").iterdir()) == [
        "drain.svg",
        "processor.svg",
        "ratios.svg",
    ]


def test_a_page_without_marks_is_not_overwritten() -> None:
    with pytest.raises(ValueError, match="marks"):
        page.replaced("# a page", "measured")


def test_the_projects_page_has_the_marks_and_the_charts_that_it_names() -> None:
    file = TESTS.parent / "docs/performance.md"
    text = file.read_text()

    assert "made by hand" in page.replaced(text, "made by hand")
    named = [part.partition(")")[0] for part in text.split("](performance/")[1:]]
    assert all((file.parent / "performance" / name).exists() for name in named)


def test_a_chart_is_an_image_whose_bars_are_as_long_as_their_values() -> None:
    chart = bars("speed", [Bar("<ours>", {"now": 5}, "5/s"), Bar("theirs", {"now": 10}, "10/s")], line=10)

    short, long = rectangles(chart)
    image = ET.fromstring(chart)  # noqa: S314 - ours
    (line,) = image.findall(f"{SVG}line")
    begin = float(image.findall(f"{SVG}rect")[1].attrib["x"])
    assert long == pytest.approx(2 * short)
    assert float(line.attrib["x1"]) == pytest.approx(begin + long, abs=0.2)
    assert "<ours>" in [text.text for text in image.findall(f"{SVG}text")]


def test_a_bar_that_is_too_long_is_cut_off() -> None:
    chart = bars("speed", [Bar("ours", {"a": 3, "b": 9}, ""), Bar("theirs", {"a": 2, "b": 1}, "")], most=4)

    _, _, *widths = rectangles(chart)  # after those of the legend
    assert sum(widths[:2]) == pytest.approx(sum(widths[2:]) * 4 / 3, abs=0.2)


def rectangles(chart: str) -> list[float]:
    """The widths of all but the background."""
    found = ET.fromstring(chart).findall(f"{SVG}rect")  # noqa: S314 - ours
    return [float(one.attrib["width"]) for one in found[1:]]
