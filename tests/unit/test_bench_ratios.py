"""The arithmetics of `make bench`: rates, rounds, percentiles, and what has to be reached."""

from pathlib import Path
from random import Random

import pytest

from tests.bench import artefacts
from tests.bench.artefacts import Work
from tests.bench.errors import CannotMeasure
from tests.bench.parts import COUNTS, PARTS
from tests.bench.peers.catalog import PEERS
from tests.bench.rounds import Bench, Round
from tests.bench.scale import SMOKE
from tests.bench.streams import Event, percentile, read_event
from tests.bench.targets import TARGETS, Better, Target

EVENT = b'data: {"version": 7, "at": "2026-11-27T10:00:00.250000Z", "status": "processing"}\n'


def works(*begins: float) -> list[Work]:
    return [Work(began, 0.001, f"job {began}") for began in begins]


def bench(tmp_path: Path, **options: object) -> Bench:
    return Bench("drain", tmp_path, SMOKE, Random(1), **options)  # type: ignore[arg-type]


def test_the_file_of_a_job_says_when_it_began(tmp_path: Path) -> None:
    for name, line in (("b", "b 12.500000 0.250000\n"), ("a/a", "a 11.000000 1.000000\n")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(line)

    assert artefacts.read_all(tmp_path) == [Work(11.0, 1.0, "a"), Work(12.5, 0.25, "b")]
    assert artefacts.count(tmp_path) == 2


def test_files_that_are_still_written_do_not_count(tmp_path: Path) -> None:
    for name in ("done", "half.tmp", ".hidden"):
        (tmp_path / name).touch()

    assert artefacts.count(tmp_path) == 1


def test_a_wait_for_jobs_ends_where_none_runs_any_more(tmp_path: Path) -> None:
    (tmp_path / "one").touch()

    artefacts.wait_for(tmp_path, 1, seconds=0)
    with pytest.raises(CannotMeasure, match="only 1 of 2 jobs have run"):
        artefacts.wait_for(tmp_path, 2, seconds=0)


def test_a_rate_is_taken_after_the_first_jobs() -> None:
    slow_start = [0.0, *(10 + number / 10 for number in range(20))]

    assert artefacts.per_second(works(*slow_start)) == pytest.approx(10.0)


def test_the_order_in_which_files_are_found_does_not_matter() -> None:
    begins = [number / 4 for number in range(40)]

    assert artefacts.per_second(works(*reversed(begins))) == pytest.approx(4.0)


def test_too_few_jobs_have_no_rate() -> None:
    with pytest.raises(CannotMeasure, match="too few"):
        artefacts.per_second(works(1.0, 2.0))


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (0.991, 100), (1.0, 100), (0.0, 1)])
def test_a_percentile_is_a_value_that_was_measured(share: float, expected: int) -> None:
    assert percentile(list(range(100, 0, -1)), share) == expected


def test_an_event_of_a_stream_has_the_time_of_its_change() -> None:
    assert read_event(EVENT, 1795773600.5) == Event(7, 1795773600.25, 1795773600.5)


@pytest.mark.parametrize("line", [b"event: step\n", b"id: 7\n", b": heartbeat\n", b"\n", b"1f4\r\n"])
def test_other_lines_of_a_stream_are_no_events(line: bytes) -> None:
    assert read_event(line, 1.0) is None


def test_every_round_measures_every_side_once(tmp_path: Path) -> None:
    measured, said = list[str](), list[str]()

    def side(name: str, value: float) -> float:
        measured.append(name)
        return value

    rounds = bench(tmp_path, tell=said.append).interleave(
        {"ours": lambda: side("ours", 6), "theirs": lambda: side("theirs", 3)}
    )

    assert [one.values for one in rounds] == [{"ours": 6, "theirs": 3}] * SMOKE.rounds
    assert [sorted(measured[first : first + 2]) for first in range(0, len(measured), 2)] == [
        ["ours", "theirs"]
    ] * SMOKE.rounds
    assert all(len(one.loads) == 2 for one in rounds)
    assert len(said) == 2 * SMOKE.rounds


def test_a_ratio_is_the_median_of_the_rounds_ratios(tmp_path: Path) -> None:
    measuring = bench(tmp_path)
    rounds = [
        Round({"ours": ours, "theirs": theirs}, (1.0,))
        for ours, theirs in ((8.0, 2.0), (3.0, 1.0), (10.0, 5.0))
    ]

    ratio = measuring.ratio("drain_floor", rounds, "ours", "theirs", "jobs/s")

    assert (ratio.value, ratio.spread, ratio.rounds) == (3.0, (2.0, 4.0), 3)
    assert ratio.sides == {"ours": 8.0, "theirs": 2.0}
    assert ratio.circumstances.command == "make bench BENCH=smoke BENCH_ONLY=drain"


def test_what_must_be_is_a_least_or_a_most() -> None:
    least = Target("drain", "", Better.MORE, must=0.5)
    most = Target("start", "", Better.LESS, must=1.5)

    assert (least.reached(0.5), least.reached(0.49)) == (True, False)
    assert (most.reached(1.5), most.reached(1.51)) == (True, False)
    assert Target("drain", "", Better.MORE).reached(0.1) is None
    assert (least.wanted(0.5), most.wanted(1.5), most.wanted(None)) == ("at least 0.5", "at most 1.5", "")


def test_every_ratio_belongs_to_a_part_that_can_be_asked_for() -> None:
    assert {target.part for target in TARGETS.values()} == set(PARTS) - {COUNTS}


def test_every_peer_has_a_ratio() -> None:
    assert {f"drain_{name}" for name in PEERS} == {name for name in TARGETS if name.startswith("drain_")}


@pytest.mark.parametrize("target", [one for one in TARGETS.values() if one.must and one.goal])
def test_a_goal_is_beyond_what_must_be(target: Target) -> None:
    assert target.goal is not None
    assert target.reached(target.goal)
