"""When a partition counts as one that a client reads no more."""

from collections.abc import Collection, Mapping
from concurrent.futures import Future

import pytest
from confluent_kafka import KafkaError, KafkaException

from waybill.kafka import PartitionWatchdog, partitions
from waybill.kafka.partitions import _SILENT_SECONDS, Offsets

NONE: frozenset[int] = frozenset()


class Bench:
    """A client's watchdog, and what Kafka says."""

    def __init__(self, ends: dict[int, int], committed: int = -1001) -> None:
        self.now = 0.0
        self.ends = ends
        self.committed = committed
        self.away = False
        self.asked: list[list[int]] = []
        self.watchdog = PartitionWatchdog(self.ask, lambda: self.now)
        self.watchdog.assigned(list(ends))

    def ask(self, wanted: Collection[int]) -> Mapping[int, Offsets]:
        self.asked.append(list(wanted))
        if self.away:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        return {one: Offsets(self.ends[one], self.committed) for one in wanted}

    def looks(self, count: int, paused: frozenset[int] = NONE) -> list[int]:
        """What is stuck, in so many looks."""
        found = []
        for _ in range(count):
            self.now += _SILENT_SECONDS
            assert self.watchdog.stuck(paused) is None, "it has only asked"
            found.append(self.watchdog.stuck(paused))
        return [one for one in found if one is not None]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kafka answers before the next look."""

    def call(ask: object) -> Future[object]:
        future: Future[object] = Future()
        try:
            future.set_result(ask())  # type: ignore[operator]
        except Exception as error:
            future.set_exception(error)
        return future

    monkeypatch.setattr(partitions, "in_background", call)


def test_one_with_unread_messages_is_stuck_at_the_second_look() -> None:
    bench = Bench({0: 5, 1: 5})
    bench.watchdog.received(0, 3)
    bench.watchdog.received(1, 4)

    assert bench.looks(1) == []
    assert bench.looks(1) == [0]


def test_it_is_not_named_twice_for_the_same_end() -> None:
    """Else a topic with transactions would have its client replaced for ever."""
    bench = Bench({0: 5})
    assert bench.looks(2) == [0]
    bench.watchdog.forget()
    bench.watchdog.assigned([0])

    assert bench.looks(4) == []

    bench.ends[0] = 6
    assert bench.looks(2) == [0]


@pytest.mark.parametrize("committed", [-1001, 3])
def test_before_the_first_message_what_counts_is_the_commit(committed: int) -> None:
    bench = Bench({0: 3}, committed)

    assert bench.looks(4) == ([0] if committed < 0 else [])


def test_what_is_read_to_the_end_paused_or_not_ours_is_not_stuck() -> None:
    bench = Bench({0: 5, 1: 5, 2: 5})
    bench.watchdog.received(0, 4)
    bench.watchdog.revoked([2])

    assert bench.looks(4, paused=frozenset({1})) == []
    assert bench.asked == [[0]] * 4


def test_one_that_is_paused_or_revoked_before_the_answer_is_not_stuck() -> None:
    bench = Bench({0: 5, 1: 5})
    assert bench.looks(1) == []
    bench.now += _SILENT_SECONDS
    bench.watchdog.stuck(NONE)
    bench.watchdog.revoked([0])

    assert bench.watchdog.stuck(frozenset({1})) is None


def test_a_message_in_between_ends_the_suspicion() -> None:
    bench = Bench({0: 9})
    assert bench.looks(1) == []
    bench.watchdog.received(0, 3)

    assert bench.looks(1) == []
    assert bench.looks(1) == [0]


def test_it_asks_nobody_before_some_silence() -> None:
    bench = Bench({0: 5})
    bench.now += _SILENT_SECONDS / 2
    bench.watchdog.received(0, 0)
    bench.now += _SILENT_SECONDS / 2

    assert bench.watchdog.stuck(NONE) is None
    assert bench.asked == []


def test_a_kafka_that_does_not_answer_says_nothing() -> None:
    bench = Bench({0: 5})
    bench.away = True

    assert bench.looks(4) == []
    assert len(bench.asked) == 4
