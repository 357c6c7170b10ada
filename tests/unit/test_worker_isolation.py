"""When the consumer loop may take a command, while a report must run alone."""

from datetime import timedelta

from report_worker.isolation import Isolation, postponed_for

MINUTE = timedelta(minutes=1)


class World:
    """A clock that is set by hand, and whether a report runs in the worker."""

    def __init__(self) -> None:
        self.now = 100.0
        self.idle = False
        self.isolation = Isolation(lambda: self.idle, lambda: self.now)


def test_a_busy_worker_takes_others_while_nothing_must_run_alone() -> None:
    world = World()

    world.isolation.started(alone=False)

    assert not world.isolation.is_closed()


def test_nothing_is_taken_until_room_is_made() -> None:
    world = World()

    assert world.isolation.make_room(MINUTE)
    assert world.isolation.is_closed()

    world.idle = True
    assert not world.isolation.is_closed()


def test_room_is_made_for_as_long_as_the_report_has_waited_and_then_others_have_their_turn() -> None:
    world = World()
    world.isolation.make_room(MINUTE)

    world.now += 59
    assert world.isolation.is_closed()

    world.now += 2
    assert not world.isolation.is_closed()
    assert not world.isolation.make_room(MINUTE), "it is postponed"
    assert not world.isolation.is_closed()
    assert world.isolation.make_room(MINUTE), "its next command"


def test_its_patience_grows_until_any_report_has_ended() -> None:
    """Commands come again after as long as the last one held up others."""
    waited, held_up = timedelta(0), timedelta(0)
    for _ in range(12):
        patience = postponed_for(waited)
        held_up += patience
        waited += 2 * patience

    assert patience > timedelta(hours=24)
    assert held_up <= waited / 2


def test_nothing_is_taken_while_it_runs_alone() -> None:
    world = World()
    world.isolation.make_room(MINUTE)
    world.idle = True

    world.isolation.started(alone=True)
    world.idle = False
    world.now += 10_000
    assert world.isolation.is_closed()

    world.idle = True
    assert not world.isolation.is_closed()
    world.idle = False
    assert not world.isolation.is_closed(), "the next one is as any other"


def test_no_room_is_made_for_what_went_to_another_worker() -> None:
    world = World()
    world.isolation.make_room(MINUTE)

    world.isolation.give_up_room()

    assert not world.isolation.is_closed()
