"""Every attempt that a fault has hit comes to something."""

from tests.faults.checker import Harm
from tests.faults.history import Event
from tests.faults.hits import Hit, follow

HIT = Hit("r1", 1, 10.0)


def status(attempt: int, status: str, at: float) -> Event:
    return Event("r1", 9, "status", status, attempt, at)


def test_the_next_attempt_is_a_recovery() -> None:
    events = [status(1, "processing", 9.0), status(1, "init", 13.0), status(2, "processing", 15.0)]
    after = follow([HIT], events)
    assert (after.recoveries, after.seen, after.violations) == ((5.0,), (3.0,), ())
    assert after.notes == ["seen after p50 3.0 s, max 3.0 s"]


def test_an_attempt_may_end_all_the_same() -> None:
    after = follow([HIT], [status(1, "processing", 9.0), status(1, "done", 10.1)])
    assert (after.recoveries, after.violations, after.notes) == ((), (), [])


def test_an_attempt_that_nobody_has_followed_is_stuck() -> None:
    for events in ([status(1, "processing", 9.0)], [status(1, "processing", 9.0), status(1, "init", 13.0)]):
        (violation,) = follow([HIT], events).violations
        assert (violation.harm, violation.name, violation.subject) == (Harm.STUCK, "hit_forgotten", "r1")


def test_steps_are_no_ends() -> None:
    step = Event("r1", 9, "step", "processing", 2, 12.0)
    assert follow([HIT], [step]).violations
