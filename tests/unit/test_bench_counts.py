"""What `make bench` makes of what it reads, and when a count is too high."""

import re

import pytest

from tests.bench import processes
from tests.bench.counts import bounds
from tests.bench.counts.bounds import BOUNDS
from tests.bench.counts.reading import Reading, Window, each_further, idle_rates, per_report

STAT = (
    "4242 (a (strange) name) S 17 4242 4242 0 -1 4194560 900 800 0 0 {user} {system} {reaped_user} "
    "{reaped_system} 20 0 3 0 12345 1000000 500 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0"
)
SMAPS = """\
55d0a0000000-7ffd00000000 ---p 00000000 00:00 0                          [rollup]
Rss:               40960 kB
Pss:               20480 kB
Shared_Clean:      10240 kB
Private_Clean:      1024 kB
Private_Dirty:      4096 kB
Swap:                  0 kB
"""


def process(pid: int, parent: int, seconds: float = 0.0) -> processes.Process:
    return processes.Process(pid, parent, seconds, 0.0)


def window(began: dict[str, float], ended: dict[str, float], settled: dict[str, float]) -> Window:
    """Of 10 s until the last end, and 10 s more until everything is reported."""
    return Window(Reading(100.0, began), Reading(110.0, ended), Reading(120.0, settled))


def test_processor_time_is_read_whatever_the_processs_name_is() -> None:
    ticks = processes._TICKS
    text = STAT.format(user=3 * ticks, system=ticks, reaped_user=2 * ticks, reaped_system=5 * ticks)

    found = processes.read_stat(text)

    assert found == processes.Process(4242, 17, own_seconds=4.0, reaped_seconds=7.0)
    assert found.seconds == 11.0


def test_a_part_is_a_process_and_all_that_descend_from_it() -> None:
    running = {
        one.pid: one for one in (process(1, 0), process(2, 1), process(9, 2), process(3, 1), process(4, 0))
    }

    assert [one.pid for one in processes.below(1, running)] == [1, 2, 3, 9]
    assert processes.below(77, running) == []


def test_memory_is_read_in_mebibytes() -> None:
    assert processes.read_smaps(SMAPS) == processes.Memory(private=5.0, proportional=20.0)
    assert processes.Memory(1, 2) + processes.Memory(3, 4) == processes.Memory(4, 6)


def test_a_report_costs_what_was_added_without_what_the_time_costs_anyway() -> None:
    idle = {"statements": 2.0, "transactions": 3.0}
    counted = window(
        {"statements": 0.0, "transactions": 0.0},
        {"statements": 70.0, "transactions": 1.0},  # the transactions are not all reported yet
        {"statements": 95.0, "transactions": 110.0},
    )

    found = per_report(counted, idle, reports=5)

    assert found["statements"] == (70 - 2 * 10) / 5
    assert found["transactions"] == (110 - 3 * 20) / 5


def test_idle_rates_are_by_the_second() -> None:
    nothing_requested = window({"statements": 10.0}, {"statements": 60.0}, {"statements": 999.0})

    assert idle_rates(nothing_requested) == {"statements": 5.0}


def test_a_further_step_costs_the_difference_by_the_number_of_steps() -> None:
    assert each_further({"cpu_ms": 40.0}, {"cpu_ms": 170.0}, 10) == {"cpu_ms": 13.0}


def test_a_count_at_its_bound_is_not_above_it() -> None:
    assert not list(bounds.exceeded({name: bound.most for name, bound in BOUNDS.items()}))


@pytest.mark.parametrize("name", BOUNDS)
def test_a_count_above_its_bound_is_said_in_a_sentence(name: str) -> None:
    counts = {each: bound.most for each, bound in BOUNDS.items()}

    (sentence,) = bounds.exceeded({**counts, name: counts[name] * 1.5})

    assert sentence.startswith(f"{name}: ")
    assert "above its bound" in sentence
    assert "bounds.py" in sentence


@pytest.mark.parametrize(("slowness", "is_above"), [(1.0, True), (0.5, True), (1.9, True), (2.1, False)])
def test_bounds_of_processor_time_are_higher_on_a_slower_machine(slowness: float, is_above: bool) -> None:
    counts = {name: bound.most for name, bound in BOUNDS.items()}
    counts["cpu_ms_load"] *= 2

    found = list(bounds.exceeded({**counts, bounds.REFERENCE: 45.0 * slowness}))

    assert [one.partition(":")[0] for one in found] == ["cpu_ms_load"] * is_above


def test_bounds_of_what_is_counted_are_the_same_on_every_machine() -> None:
    counts = {name: bound.most for name, bound in BOUNDS.items()}

    found = bounds.exceeded(
        {**counts, "statements_load": counts["statements_load"] * 1.1, bounds.REFERENCE: 450.0}
    )

    assert [one.partition(":")[0] for one in found] == ["statements_load"]


def test_a_count_that_is_missing_is_not_within_its_bound() -> None:
    counts = {name: bound.most for name, bound in BOUNDS.items()}
    del counts["statements_load"]

    assert list(bounds.exceeded(counts)) == ["statements_load: it was not counted."]


@pytest.mark.parametrize(("user", "is_missing"), [(0, True), (1000, False)])
def test_memory_may_be_missing_where_nobody_may_read_it(
    monkeypatch: pytest.MonkeyPatch, user: int, is_missing: bool
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: user)
    counts = {name: bound.most for name, bound in BOUNDS.items() if not bound.needs_root}

    assert bool(list(bounds.exceeded(counts))) is is_missing


@pytest.mark.parametrize(
    ("value", "text"), [(0.296, "0.296"), (13.4567, "13.5"), (15892.4, "15,892"), (100.0, "100")]
)
def test_a_value_has_as_many_digits_as_mean_something(value: float, text: str) -> None:
    assert bounds.shown(value) == text


def test_every_bound_says_what_it_is_of() -> None:
    assert all(re.search(r"\w{4}", bound.what) and bound.most > 0 for bound in BOUNDS.values())
