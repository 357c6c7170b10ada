"""How long a report waits for its next attempt."""

from datetime import timedelta
from random import Random

import pytest

from waybill.domain import LeasePolicy, RetryPolicy

POLICY = RetryPolicy(initial_delay=timedelta(seconds=2), factor=2.0, max_delay=timedelta(minutes=10))


def whole(failures: int) -> float:
    """Without jitter, in seconds."""
    return min(2.0 * 2.0 ** (failures - 1), 600.0)


@pytest.mark.parametrize("failures", range(1, 30))
def test_a_delay_is_between_half_and_all_of_a_wait_that_doubles(failures: int) -> None:
    random = Random(failures)

    delays = [POLICY.delay(failures, random).total_seconds() for _ in range(500)]

    assert min(delays) >= whole(failures) / 2
    assert max(delays) <= whole(failures)


@pytest.mark.parametrize("failures", [1, 5, 12])
def test_delays_spread_over_the_whole_range(failures: int) -> None:
    random = Random(7)

    shares = [POLICY.delay(failures, random).total_seconds() / whole(failures) for _ in range(1000)]

    assert min(shares) < 0.52
    assert max(shares) > 0.98
    assert 0.73 < sum(shares) / len(shares) < 0.77
    assert len(set(shares)) > 990


def test_the_same_seed_gives_the_same_delays() -> None:
    def delays(seed: int) -> list[timedelta]:
        random = Random(seed)
        return [POLICY.delay(failures, random) for failures in range(1, 10)]

    assert delays(1) == delays(1)
    assert delays(1) != delays(2)


def test_the_number_of_failures_has_no_limit() -> None:
    assert POLICY.delay(1_000_000, Random(1)) <= timedelta(minutes=10)


def test_any_factor_grows_until_the_longest() -> None:
    policy = RetryPolicy(initial_delay=timedelta(seconds=1), factor=3.0, max_delay=timedelta(seconds=20))

    longest = [
        max(policy.delay(failures, Random(seed)).total_seconds() for seed in range(300))
        for failures in (1, 2, 3, 4, 9)
    ]

    assert longest == pytest.approx([1, 3, 9, 20, 20], rel=0.01)


@pytest.mark.parametrize(
    ("heartbeat", "left", "silent"),
    [
        (5, 30, None),
        (5, 20, None),
        (5, 19, 11),
        (5, 0, 30),
        (5, -3, 33),
        (1, 21, None),
        (12, 7, None),
        (12, 5, 25),
    ],
)
def test_a_worker_is_silent_after_two_heartbeats_and_a_third_of_its_lease(
    heartbeat: float, left: float, silent: float | None
) -> None:
    lease = LeasePolicy(timedelta(seconds=30), timedelta(seconds=heartbeat))

    assert lease.silence(timedelta(seconds=left)) == (None if silent is None else timedelta(seconds=silent))
