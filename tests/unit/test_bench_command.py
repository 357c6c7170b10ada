"""`make bench` as a command: what can be asked of it, and what its exit code says."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bench import __main__ as command
from tests.bench import parts
from tests.bench.counts.bounds import BOUNDS, shown
from tests.bench.errors import CannotMeasure
from tests.bench.page import BEGIN, END
from tests.bench.results import Counted, Ratio, Results
from tests.bench.rounds import Bench
from tests.support import asked

PROCESSES = ("worker", "slots", "producer-api", "postgres", "kafka", "collector", "jaeger")
SITUATIONS = ("alone", "load", "step_alone", "step_load", "idle_second")


@pytest.fixture(autouse=True)
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command leaves its files; nothing is asked of it yet."""
    for name in ("BENCH", "BENCH_ONLY", "BENCH_PEERS", "BENCH_SEED"):
        monkeypatch.delenv(name, raising=False)
    for name, file in (
        ("_RESULT", "bench.json"),
        ("_ALL", "all.json"),
        ("_PAGE", "page.md"),
        ("_LOGS", "logs"),
    ):
        monkeypatch.setattr(command, name, tmp_path / file)
    (tmp_path / "page.md").write_text(f"{BEGIN}\n{END}\n")
    return tmp_path


@pytest.fixture
def measures(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Replaces the parts."""

    def replace(**made: parts.Part) -> None:
        monkeypatch.setattr(command, "PARTS", made)

    return replace


def counts(share_of_bound: float) -> parts.Part:
    found = {f"cpu_ms_{part}_{situation}": 1.0 for part in PROCESSES for situation in SITUATIONS}
    found |= {f"cpu_ms_{situation}": 7.0 for situation in SITUATIONS}
    found |= {name: bound.most * share_of_bound for name, bound in BOUNDS.items()}
    return lambda bench: Results(counted=Counted(found, bench.circumstances()))


def ratios(bench: Bench) -> Results:
    figure = Ratio("tracing", 0.9, (0.8, 1.0), 5, {"traced": 9.0}, "reports/s", bench.circumstances())
    return Results({"tracing": figure})


def fails(_bench: Bench) -> Results:
    raise CannotMeasure("something is missing: apt-get install it")


def breaks(_bench: Bench) -> Results:
    raise ConnectionError("no such host")


def test_counts_within_their_bounds_are_a_success(
    build: Path, measures: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    measures(counts=counts(0.9), tracing=fails)
    monkeypatch.setenv("BENCH", "quick")

    assert command.main([]) == 0

    found = json.loads((build / "bench.json").read_text())
    assert found["counts"]["statements_load"] == BOUNDS["statements_load"].most * 0.9
    assert found["ratios"] == {}


def test_a_count_above_its_bound_is_a_failure_with_a_sentence(
    measures: Callable[..., None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measures(counts=counts(1.1))
    monkeypatch.setenv("BENCH", "quick")

    assert command.main([]) == 1

    most = BOUNDS["statements_load"].most
    sentence = f"statements_load: {shown(most * 1.1)} is above its bound of {shown(most)}"
    assert sentence in capsys.readouterr().out


def test_a_quick_run_leaves_the_page_alone(
    build: Path, measures: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    measures(counts=counts(0.9))
    monkeypatch.setenv("BENCH", "quick")

    command.main([])

    assert (build / "page.md").read_text() == f"{BEGIN}\n{END}\n"
    assert not (build / "all.json").exists()


def test_runs_of_parts_add_up_on_the_page(
    build: Path, measures: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    measures(counts=counts(0.9), tracing=ratios)

    for part in ("counts", "tracing"):
        monkeypatch.setenv("BENCH_ONLY", part)
        assert command.main([]) == 0

    text = (build / "page.md").read_text()
    assert "`make bench BENCH=medium BENCH_ONLY=counts`" in text
    assert "`make bench BENCH=medium BENCH_ONLY=tracing`" in text
    assert list(json.loads((build / "bench.json").read_text())["ratios"]) == ["tracing"]


def test_what_cannot_be_measured_does_not_keep_the_rest_from_it(
    build: Path, measures: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    measures(drain=fails, tracing=ratios)

    assert command.main([]) == 1

    assert "drain: something is missing: apt-get install it" in capsys.readouterr().out
    assert list(json.loads((build / "bench.json").read_text())["ratios"]) == ["tracing"]


def test_a_part_that_breaks_does_not_keep_the_rest_from_it_either(
    build: Path, measures: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    measures(drain=breaks, tracing=ratios)

    assert command.main([]) == 1

    said = capsys.readouterr().out
    assert "drain: no such host" in said
    assert "ConnectionError" in said
    assert list(json.loads((build / "bench.json").read_text())["ratios"]) == ["tracing"]


def test_what_was_measured_is_kept_whatever_comes_after(
    build: Path, measures: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(_bench: Bench) -> Results:
        raise SystemExit

    measures(tracing=ratios, waiting=killed)

    with pytest.raises(SystemExit):
        command.main([])

    assert list(json.loads((build / "bench.json").read_text())["ratios"]) == ["tracing"]
    assert "BENCH_ONLY=tracing" in (build / "page.md").read_text()


@pytest.mark.parametrize("asked", ["--help", "-h", "help"])
def test_help_names_every_part_and_peer(asked: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([asked]) == 0

    text = capsys.readouterr().out
    assert all(name in text for name in (*parts.PARTS, "celery", "floor", "BENCH=full"))


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("BENCH", "fast", "BENCH=fast: it is one of quick, smoke, medium, full, or help."),
        ("BENCH_SEED", "x", "BENCH_SEED=x: a seed is a whole number, as 7."),
        ("BENCH_ONLY", "drain,dran", "BENCH_ONLY: there is no dran: counts, drain"),
        ("BENCH_PEERS", "rq", "BENCH_PEERS: there is no rq: celery"),
    ],
)
def test_what_cannot_be_asked_ends_with_what_can(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(SystemExit) as ended:
        command.main([])

    assert str(ended.value).startswith(sentence)


def test_names_are_taken_in_the_order_of_the_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_ONLY", " start, drain,")

    assert asked.chosen("BENCH_ONLY", ["drain", "accept", "start"]) == ["drain", "start"]
