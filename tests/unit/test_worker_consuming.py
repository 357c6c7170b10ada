"""The consumer loop, with a client that has messages at once."""

import threading
from collections import deque
from collections.abc import Callable

import pytest
from confluent_kafka import Message, TopicPartition

from report_worker.command_queue import CommandQueue
from report_worker.consuming import CommandConsumer
from waybill.kafka import KafkaHealth, PartitionWatchdog

MESSAGES = 300


class Client:
    """Of a partition with some commands."""

    def __init__(self) -> None:
        self.messages = deque(Message(topic="report", partition=0, offset=one) for one in range(MESSAGES))
        self.stored: list[int | None] = []
        self.paused: list[bool] = []
        self.closed = False

    def subscribe(self, *_: object, **handlers: Callable[..., object]) -> None:
        self.handlers = handlers

    def incremental_assign(self, _: object) -> None: ...

    def incremental_unassign(self, _: object) -> None: ...

    def pause(self, _: object) -> None:
        self.paused.append(True)

    def resume(self, _: object) -> None:
        self.paused.append(False)

    def poll(self, _: float) -> Message | None:
        if not self.messages or self.paused[-1:] == [True]:
            return None
        return self.messages.popleft()

    def consume(self, count: int, _: float) -> list[Message]:
        return [self.messages.popleft() for _ in range(min(count, len(self.messages)))]

    def store_offsets(self, message: Message) -> None:
        self.stored.append(message.offset())

    def close(self) -> None:
        self.closed = True


class Bench:
    """A loop that ends after some turns; at the beginning of each, something happens."""

    def __init__(self) -> None:
        self.client = Client()
        self.commands = CommandQueue()
        self.assigned: list[int] = []
        self.stopping = threading.Event()
        self.consumer = CommandConsumer(
            lambda _: self.client,  # type: ignore[arg-type, return-value]
            lambda: True,
            "report",
            KafkaHealth("tests"),
            PartitionWatchdog(lambda _: {}),
            self.commands,
            self.assigned.append,
        )

    def run(self, *turns: Callable[[], object]) -> None:
        coming, poll = iter(turns), self.client.poll

        def next_turn(seconds: float) -> Message | None:
            turn = next(coming, self.stopping.set)
            turn()
            return poll(seconds)

        self.client.poll = next_turn  # type: ignore[assignment, method-assign]
        self.consumer.run(self.stopping)


def test_a_partition_is_read_ahead_until_it_has_enough_and_again_once_half_is_taken() -> None:
    bench = Bench()

    def take_all() -> None:
        while (command := bench.commands.take()) is not None:
            bench.commands.done(command)

    bench.run(lambda: None, lambda: None, take_all)

    assert bench.client.paused == [True, False]
    assert len(bench.client.messages) < MESSAGES - 100


def test_the_offset_of_what_is_done_with_is_stored_also_at_the_end() -> None:
    bench = Bench()

    def take_one() -> None:
        command = bench.commands.take()
        assert command is not None
        bench.commands.started(command, alone=False)

    bench.run(lambda: None, take_one, take_one)

    assert bench.client.stored == [0, 1]
    assert bench.client.closed


def test_a_client_is_closed_without_another_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    bench = Bench()
    bench.stopping.set()
    bench.consumer._client = bench.client  # type: ignore[assignment]
    monkeypatch.setattr(threading.Thread, "start", refuse)

    bench.consumer._close()

    assert bench.client.closed


def test_others_are_told_how_many_partitions_it_has() -> None:
    bench = Bench()

    def rebalance(event: str, *numbers: int) -> Callable[[], object]:
        partitions = [TopicPartition("report", number) for number in numbers]
        return lambda: bench.client.handlers[event](bench.client, partitions)

    bench.run(rebalance("on_assign", 0, 1), rebalance("on_assign", 5), rebalance("on_revoke", 1))

    assert bench.assigned == [2, 3, 2, 0], "none at the end"
