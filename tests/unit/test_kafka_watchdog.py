"""A client that gets no response while Kafka answers others is stuck."""

import json

import pytest

from waybill.kafka import BrokerWatchdog


class World:
    """A clock that is set by hand, and whether Kafka answers others."""

    def __init__(self) -> None:
        self.now = 100.0
        self.answers = True
        self.asked = 0

    def is_reachable(self) -> bool:
        self.asked += 1
        return self.answers

    def clock(self) -> float:
        return self.now


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def watchdog(world: World) -> BrokerWatchdog:
    return BrokerWatchdog(world.is_reachable, world.clock)


def told(watchdog: BrokerWatchdog, answers: int) -> None:
    watchdog.update(json.dumps({"rx": answers, "tx": 0}))


def after(world: World, watchdog: BrokerWatchdog, *seconds: float) -> list[bool]:
    """Whether it had stopped after each of these further times."""
    found = []
    for one in seconds:
        world.now += one
        found.append(watchdog.client_is_stuck())
    return found


def test_a_client_that_is_answered_lives(world: World, watchdog: BrokerWatchdog) -> None:
    for answers in range(1, 50):
        told(watchdog, answers)
        assert after(world, watchdog, 15) == [False]
    assert not world.asked


def test_one_that_is_silent_while_is_reachable_has_stopped(world: World, watchdog: BrokerWatchdog) -> None:
    told(watchdog, 7)
    told(watchdog, 7)
    assert after(world, watchdog, 19, 2, 1, 3) == [False, False, False, True]


def test_one_that_never_was_answered_has_stopped_too(world: World, watchdog: BrokerWatchdog) -> None:
    assert after(world, watchdog, 21, 4) == [False, True]


def test_where_nobody_is_answered_there_is_nothing_to_mend(world: World, watchdog: BrokerWatchdog) -> None:
    world.answers = False
    assert after(world, watchdog, 21, *[4] * 20) == [False] * 21


def test_one_that_hears_again_a_moment_later_lives(world: World, watchdog: BrokerWatchdog) -> None:
    assert after(world, watchdog, 30) == [False]
    told(watchdog, 8)
    assert after(world, watchdog, 4, 17, 4) == [False, False, True]
