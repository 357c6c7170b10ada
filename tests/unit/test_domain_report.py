"""What may happen to a report."""

from datetime import timedelta
from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waybill.domain import TERMINAL, TRANSITIONS, Progress, RetryPolicy, Status, StepChange, StepStatus

STEP_CHANGES = st.builds(StepChange, st.sampled_from(["a", "b", "c"]), st.sampled_from(StepStatus))


class TestTransitions:
    def test_every_status_has_its_own(self) -> None:
        assert TRANSITIONS.keys() == set(Status)

    def test_a_report_ends_in_one_of_three_ways(self) -> None:
        assert {Status.DONE, Status.FAIL, Status.CANCELLED} == TERMINAL

    def test_what_is_done_stays_done(self) -> None:
        assert not TRANSITIONS[Status.DONE]

    @pytest.mark.parametrize(("before", "after"), list(product(sorted(TERMINAL), Status)))
    def test_an_ended_report_can_at_most_begin_anew(self, before: Status, after: Status) -> None:
        assert after not in TRANSITIONS[before] or after is Status.INIT

    def test_only_an_attempt_can_end_well(self) -> None:
        assert [status for status in Status if Status.DONE in TRANSITIONS[status]] == [Status.PROCESSING]

    def test_every_status_can_be_reached_from_the_first(self) -> None:
        reached, new = set(), {Status.INIT}
        while new:
            reached |= new
            new = {after for status in new for after in TRANSITIONS[status]} - reached

        assert reached == set(Status)


class TestProgress:
    def test_a_step_that_begins_is_named_and_not_counted(self) -> None:
        assert Progress("a", 1, 3).after(StepChange("b", StepStatus.RUNNING)) == Progress("b", 1, 3)

    @pytest.mark.parametrize("status", [StepStatus.DONE, StepStatus.FAILED])
    def test_a_step_that_ends_is_counted_however_it_ended(self, status: StepStatus) -> None:
        assert Progress("b", 1, 3).after(StepChange("b", status)) == Progress("b", 2, 3)

    def test_a_kind_that_makes_more_steps_than_it_named_moves_the_goal(self) -> None:
        assert Progress("c", 3, 3).after(StepChange("d", StepStatus.RUNNING)) == Progress("d", 3, 4)

    @given(st.integers(0, 5), st.lists(STEP_CHANGES))
    def test_it_never_goes_back_or_beyond_its_total(self, total: int, changes: list[StepChange]) -> None:
        progress = Progress("", 0, total)
        for change in changes:
            after = progress.after(change)
            assert progress.done <= after.done <= after.total
            assert progress.total <= after.total
            progress = after


class TestRetryPolicy:
    policy = RetryPolicy(initial_delay=timedelta(seconds=2), max_delay=timedelta(minutes=10))

    @given(st.integers(1, 10_000), st.randoms())
    def test_a_delay_is_neither_nothing_nor_longer_than_the_longest(
        self, failures: int, random: Random
    ) -> None:
        assert timedelta(seconds=1) <= self.policy.delay(failures, random) <= timedelta(minutes=10)

    @given(st.integers(1, 8), st.randoms())
    def test_it_doubles_with_each_failure(self, failures: int, random: Random) -> None:
        whole = timedelta(seconds=2 * 2 ** (failures - 1))

        assert whole / 2 <= self.policy.delay(failures, random) <= whole
