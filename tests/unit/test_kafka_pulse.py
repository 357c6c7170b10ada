"""A client that hears nothing while Kafka answers others has lost its pulse."""

import json

import pytest

from waybill.kafka import Pulse


class World:
    """A clock that is set by hand, and whether Kafka answers others."""

    def __init__(self) -> None:
        self.now = 100.0
        self.answers = True
        self.asked = 0

    def others_are_answered(self) -> bool:
        self.asked += 1
        return self.answers

    def clock(self) -> float:
        return self.now


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def pulse(world: World) -> Pulse:
    return Pulse(world.others_are_answered, world.clock)


def told(pulse: Pulse, answers: int) -> None:
    pulse.take(json.dumps({"rx": answers, "tx": 0}))


def after(world: World, pulse: Pulse, *seconds: float) -> list[bool]:
    """Whether it had stopped after each of these further times."""
    found = []
    for one in seconds:
        world.now += one
        found.append(pulse.has_stopped())
    return found


def test_a_client_that_is_answered_lives(world: World, pulse: Pulse) -> None:
    for answers in range(1, 50):
        told(pulse, answers)
        assert after(world, pulse, 15) == [False]
    assert not world.asked


def test_one_that_is_silent_while_others_are_answered_has_stopped(world: World, pulse: Pulse) -> None:
    told(pulse, 7)
    told(pulse, 7)
    assert after(world, pulse, 19, 2, 1, 3) == [False, False, False, True]


def test_one_that_never_was_answered_has_stopped_too(world: World, pulse: Pulse) -> None:
    assert after(world, pulse, 21, 4) == [False, True]


def test_where_nobody_is_answered_there_is_nothing_to_mend(world: World, pulse: Pulse) -> None:
    world.answers = False
    assert after(world, pulse, 21, *[4] * 20) == [False] * 21


def test_one_that_hears_again_a_moment_later_lives(world: World, pulse: Pulse) -> None:
    assert after(world, pulse, 30) == [False]
    told(pulse, 8)
    assert after(world, pulse, 4, 17, 4) == [False, False, True]
