"""Whatever goes wrong with one fault is told, and the others are run."""

from collections.abc import Callable
from random import Random
from typing import Any, cast

import pytest

from tests.faults import report
from tests.faults.checker import Harm, Violation
from tests.faults.harness import prove, without_rig
from tests.faults.injectors import Fault
from tests.faults.injectors.messages import compare
from tests.faults.load import Load
from tests.faults.patience import Patience
from tests.faults.rig import Rig
from tests.faults.run import Outcome, Run
from tests.faults.scale import SMOKE

SEEN = Violation(Harm.DOUBLED, "seen", "r1", "by the injector")


class SickRig:
    """Counts how often it was healed."""

    def __init__(self, error: Exception | None = None) -> None:
        self.healed = 0
        self.ended = 0
        self._error = error

    def end_reports(self) -> None:
        self.ended += 1

    def heal(self) -> None:
        self.healed += 1
        if self._error:
            raise self._error


class JudgedRun(Run):
    """Without a stack to look at."""

    error: Exception | None = None

    def judge(self) -> Outcome:
        if self.error:
            raise self.error
        self._look_for_shortfalls()
        return self.outcome(reports=3)

    def ended(self) -> int:
        return 0


def run_on(rig: SickRig) -> JudgedRun:
    return JudgedRun("a-fault", cast(Rig, rig), SMOKE, Random(1), lambda _: None)


def outcome_of(run: Run, inject: Callable[[Run], None]) -> Outcome:
    return prove(Fault("a-fault", inject), run, lambda: None)


def names(outcome: Outcome) -> list[str]:
    return [violation.name for violation in outcome.violations]


def test_a_fault_that_strikes_passes() -> None:
    rig = SickRig()
    outcome = outcome_of(run_on(rig), Run.inject)
    assert report.passed([outcome])
    assert rig.healed == 0


def test_an_injector_that_fails_is_told_and_the_rig_is_healed() -> None:
    rig = SickRig()

    def fail(run: Run) -> None:
        run.wanted = 5
        run.violations.append(SEEN)
        raise RuntimeError("no token")

    outcome = outcome_of(run_on(rig), fail)
    assert names(outcome) == ["seen", "not_injected"]
    assert outcome.reports == 3
    assert rig.healed == 2, "before it is judged, and before the next fault"
    assert rig.ended == 1, "a report that is left must do nothing to the next fault"


def test_a_judge_that_fails_loses_nothing() -> None:
    rig = SickRig()
    run = run_on(rig)
    run.error = OSError("no broker")

    def inject(run: Run) -> None:
        run.inject()
        run.violations.append(SEEN)

    outcome = outcome_of(run, inject)
    assert names(outcome) == ["seen", "not_judged"]
    assert outcome.injected == 1
    assert rig.healed == 1
    assert not report.passed([outcome])


def test_a_part_that_has_died_is_started_for_the_next_fault() -> None:
    rig = SickRig()

    def inject(run: Run) -> None:
        run.inject()
        run.violations.append(Violation(Harm.STUCK, "process_died", "a-fault", "jaeger"))

    assert names(outcome_of(run_on(rig), inject)) == ["process_died"]
    assert rig.healed == 1


def test_a_rig_that_cannot_be_healed_is_told() -> None:
    def fail(_: Run) -> None:
        raise RuntimeError("no token")

    outcome = outcome_of(run_on(SickRig(OSError("no database"))), fail)
    assert names(outcome) == ["not_injected", "not_healed"]


def test_a_rig_that_does_not_start_is_an_outcome_of_each_fault() -> None:
    outcome = without_rig(Fault("a-fault", Run.inject), OSError("no port"))
    assert names(outcome) == ["not_judged"]
    assert not report.passed([outcome])


def test_less_than_there_was_to_be_is_a_breach() -> None:
    def inject(run: Run) -> None:
        run.wanted = 2
        run.inject()

    assert names(outcome_of(run_on(SickRig()), inject)) == ["not_injected"]


def test_a_load_that_falls_short_is_a_breach() -> None:
    def inject(run: Run) -> None:
        run.inject()
        load = Load("http://127.0.0.1:1", run.name, "load", threads=0, most=2)
        load.died.append("of this")
        run.loads.append(load)

    assert names(outcome_of(run_on(SickRig()), inject)) == ["too_few_accepted", "client_died"]


@pytest.mark.parametrize(
    ("after", "detail"),
    [
        ({"r1": (5, 1), "r2": (3, 1)}, None),
        ({"r1": (7, 2)}, "it was v5 of attempt 1, it is v7 of attempt 2"),
        ({}, "it was v5 of attempt 1, it is ended no more"),
    ],
)
def test_a_report_that_has_ended_stays_as_it_is(after: dict[str, Any], detail: str | None) -> None:
    found = compare({"r1": (5, 1)}, after)
    assert [one.detail for one in found] == ([detail] if detail else [])


def test_patience_ends_when_nothing_has_moved() -> None:
    now = [100.0]
    patience = Patience(10, lambda: now[0])
    for at, count, ends in [
        (100, 0, False),
        (110, 0, False),
        (110.5, 1, False),
        (120, 1, False),
        (121, 1, True),
    ]:
        now[0] = at
        assert patience.ends_at(count) is ends
