"""The consumer loop where the process or the database fails it, with a client that has messages at once."""

import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from confluent_kafka import Message
from structlog.testing import capture_logs

from report_worker import consuming, isolation
from report_worker.consuming import CommandConsumer
from report_worker.intake import NeedsIdleWorker
from waybill.domain import new_report_id
from waybill.kafka import KafkaHealth, PartitionWatchdog
from waybill.store import StoreUnavailable


class Client:
    """Of a partition with two commands."""

    def __init__(self) -> None:
        self.messages = deque(Message(topic="report", partition=0, offset=number) for number in range(2))
        self.stored: list[int | None] = []
        self.closed = False

    def subscribe(self, *_: object, **__: object) -> None: ...

    def pause(self, _: object) -> None: ...

    def resume(self, _: object) -> None: ...

    def poll(self, _: float) -> Message | None:
        return self.messages.popleft() if self.messages else None

    def store_offsets(self, message: Message) -> None:
        self.stored.append(message.offset())

    def close(self) -> None:
        self.closed = True


class Intake:
    """Claims a report for each message."""

    def process(self, _: Message, *, alone: bool) -> Any:
        assert alone
        return SimpleNamespace(report=SimpleNamespace(id=new_report_id(), losses=0))


class Bench:
    def __init__(
        self, intake: Any, start: Callable[[Any], bool], is_idle: Callable[[], bool] = lambda: True
    ) -> None:
        self.client = Client()
        self.stopping = threading.Event()
        self.consumer = CommandConsumer(
            lambda _: self.client,  # type: ignore[arg-type, return-value]
            lambda: True,
            "report",
            KafkaHealth("tests"),
            PartitionWatchdog(lambda _: {}),
            intake,
            SimpleNamespace(wait_for_free=lambda _: True),
            is_idle,
            start,
        )

    def run(self) -> None:
        self.consumer.run(self.stopping)


def test_a_report_that_could_not_be_started_costs_a_pause_and_not_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(consuming, "_PAUSE_SECONDS", 0.3)
    started: dict[UUID, float] = {}

    def start(claimed: Any) -> bool:
        started[claimed.report.id] = time.monotonic()
        if len(started) == 2:
            bench.stopping.set()
        return len(started) == 2

    bench = Bench(Intake(), start)
    bench.run()

    first, second = started.values()
    assert second - first >= 0.3
    assert bench.client.stored == [0, 1], "the released report has another command"


def test_room_for_a_report_that_has_ended_meanwhile_is_not_taken_for_that_of_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of two reports that must run alone, the first is cancelled while the worker makes room for it."""
    monkeypatch.setattr(isolation, "_MIN_ROOM", timedelta(0))
    needs = NeedsIdleWorker(new_report_id(), timedelta(0))
    postponed: list[int | None] = []

    class Two:
        """Of the first report: it must run alone, then it has ended. Of the second: it must run alone."""

        def __init__(self) -> None:
            self.looks: list[int | None] = []

        def process(self, message: Message, *, alone: bool) -> NeedsIdleWorker | None:
            assert not alone
            self.looks.append(message.offset())
            return None if self.looks == [0, 0] else needs

        def postpone(self, _: NeedsIdleWorker) -> None:
            postponed.append(self.looks[-1])
            bench.stopping.set()

    bench = Bench(intake := Two(), lambda _: True, is_idle=lambda: False)
    bench.run()

    assert intake.looks == [0, 0, 1, 1], "room is made for the second, too, before it is postponed"
    assert postponed == [1]


def test_a_client_is_closed_without_another_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    bench = Bench(Intake(), lambda _: True)
    bench.stopping.set()
    bench.consumer._client = bench.client  # type: ignore[assignment]
    monkeypatch.setattr(threading.Thread, "start", refuse)

    bench.consumer._close()

    assert bench.client.closed


def test_the_log_has_no_host_where_a_letter_cannot_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error's cause is what libpq says."""
    monkeypatch.setattr(consuming, "_PAUSE_SECONDS", 0)

    class Poisoned(Intake):
        def process(self, _: Message, *, alone: bool) -> Any:
            raise ValueError(f"cannot be processed, {alone}")

        def give_up(self, _: Message, __: Exception) -> None:
            bench.stopping.set()
            cause = OSError('connection to server at "db.hush" (10.0.0.7) failed: Connection refused')
            raise StoreUnavailable("The database is unavailable: try again later.") from cause

    bench = Bench(Poisoned(), lambda _: True)
    with capture_logs() as lines:
        bench.run()

    kept = [line for line in lines if "not kept as a dead letter" in line["event"]]
    assert [line["reason"] for line in kept] == ["The database is unavailable: try again later."]
    assert not any("exc_info" in line for line in kept), "a traceback has the cause"
