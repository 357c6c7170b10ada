"""What the harness says of steps that were to survive."""

from collections.abc import Sequence

import pytest

from tests.faults.checker import Harm
from tests.faults.resumed import StepOf, Steps, check, undisturbed

FIRST, SECOND = (StepOf("a report", f"effect:{number}", 1) for number in range(2))
SECOND_LATER = StepOf("a report", "effect:1", 2)


def names(steps: Steps) -> set[str]:
    return {violation.name for violation in check(steps)}


def test_a_step_that_was_cut_off_may_run_again_and_one_that_was_committed_is_reused() -> None:
    fine = Steps(
        ran=[FIRST, SECOND, SECOND_LATER],
        committed=[FIRST, SECOND_LATER],
        reused={StepOf("a report", "effect:0", 2): 1},
    )

    assert list(check(fine)) == []


@pytest.mark.parametrize(
    ("ran", "committed", "reused", "breach"),
    [
        ([FIRST, SECOND, SECOND_LATER], [FIRST, SECOND], {}, "committed_step_ran_again"),
        ([FIRST, FIRST], [FIRST], {}, "step_ran_twice"),
        ([SECOND, SECOND_LATER], [SECOND, SECOND_LATER], {}, "step_committed_twice"),
        ([], [FIRST], {}, "step_did_not_run"),
        ([FIRST], [FIRST], {SECOND_LATER: 1}, "reused_of_nothing"),
        ([FIRST], [FIRST], {StepOf("a report", "effect:0", 3): 2}, "reused_of_nothing"),
        ([FIRST], [FIRST], {StepOf("a report", "effect:0", 2): None}, "reused_of_nothing"),
    ],
)
def test_each_sort_of_breach_is_found(
    ran: Sequence[StepOf], committed: Sequence[StepOf], reused: dict[StepOf, int | None], breach: str
) -> None:
    assert breach in names(Steps(ran, committed, reused))


def test_what_runs_again_is_doubled() -> None:
    (found,) = check(Steps([FIRST, StepOf("a report", "effect:0", 3)], [FIRST], {}))

    assert (found.harm, found.subject) == (Harm.DOUBLED, "a report")


def test_an_undisturbed_artefact_depends_on_each_step_and_on_who_asked() -> None:
    assert undisturbed("a", 3).splitlines() == undisturbed("a", 4).splitlines()[:3]
    assert not set(undisturbed("a", 4).splitlines()) & set(undisturbed("b", 4).splitlines())
