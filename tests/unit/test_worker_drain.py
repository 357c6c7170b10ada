"""How a worker ends: without a database, and with a slot and an attempt that do as they are told."""

import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
from confluent_kafka import Message

from report_worker import runner, worker
from report_worker.attempt import AttemptContext
from report_worker.command_queue import CommandQueue
from report_worker.intake import Claimed, Processed
from report_worker.settings import WorkerSettings
from report_worker.slots import Slot, SlotDied
from report_worker.worker import Worker
from waybill import runtime
from waybill.addresses import listen
from waybill.domain import new_report_id
from waybill.settings import load


class OneSlot(Slot):
    """Without a process."""

    def __init__(self) -> None:
        self.jobs = 0
        self.opened = 0
        self.stopped = False

    @property
    def pid(self) -> int | None:
        return None

    @property
    def is_alive(self) -> bool:
        return self.opened > 0 and not self.stopped

    def open(self) -> None:
        self.opened += 1
        self.stopped = False

    def stop(self) -> None:
        self.stopped = True

    def kill(self) -> None:
        self.stopped = True


class Consumer:
    """Reads some commands, and ends once the last report of them was claimed."""

    commands = 1

    def __init__(self, queue: CommandQueue) -> None:
        self._queue = queue
        self.last_poll = time.monotonic()

    def run(self, _: threading.Event) -> None:
        self._queue.add([Message(topic="report", partition=0, offset=one) for one in range(self.commands)])
        deadline = time.monotonic() + 30
        stored: list[int | None] = []
        while stored != [self.commands - 1] and time.monotonic() < deadline:
            stored = [one.offset() for one in self._queue.done_with()] or stored
            time.sleep(0.01)


class Intake:
    """Claims a report for each message."""

    def __init__(self, *_: object) -> None: ...

    def begin(self, _: Message, *, alone: bool, read_at: int) -> Callable[[], Processed]:
        assert not alone
        assert read_at
        report: Any = SimpleNamespace(id=new_report_id(), losses=0)
        return lambda: SimpleNamespace(report=report)  # type: ignore[return-value]


class LateAttempt:
    """Ends well, but only after the worker has lost patience."""

    def __init__(self, context: AttemptContext, claimed: Claimed, *_: object) -> None:
        self._interrupted: threading.Event = context.interrupted
        self._report_id = claimed.report.id

    def run(self) -> None:
        self._interrupted.wait(60)


class BrokenOnce:
    """Raises an error that nobody expects of it; the next one ends at once."""

    tries = 0

    def __init__(self, *_: object) -> None: ...

    def run(self) -> None:
        BrokenOnce.tries += 1
        if BrokenOnce.tries == 1:
            raise ValueError("Nobody expects it.")


@pytest.fixture
def slot() -> OneSlot:
    return OneSlot()


@pytest.fixture
def stopping(slot: OneSlot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Worker:
    """A worker that stops as soon as it has claimed its report."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(runtime, "Relay", MagicMock())
    monkeypatch.setattr(runner, "Slot", lambda *_: slot)
    monkeypatch.setattr(runner, "Attempt", LateAttempt)
    monkeypatch.setattr(worker, "ForkServer", MagicMock())
    monkeypatch.setattr(worker, "CommandConsumer", lambda *parts: Consumer(parts[-2]))
    monkeypatch.setattr(worker, "Intake", Intake)
    settings = load(
        WorkerSettings,
        database_url="postgresql://nobody@127.0.0.1:1/nothing",
        kafka_bootstrap_servers="127.0.0.1:1",
        artefact_url=tmp_path.as_uri(),
        health_listen="127.0.0.1:0",
        drain_seconds=0,
        slots=1,
    )
    return Worker(settings, listen("127.0.0.1:0"))


def test_no_slot_outlives_its_attempt_in_a_worker_that_stops(stopping: Worker, slot: OneSlot) -> None:
    """It ignores SIGTERM."""
    stopping.run(threading.Event())

    assert slot.opened == 1
    assert slot.stopped


def test_a_runner_goes_on_after_an_error_of_its_own_with_another_process(
    stopping: Worker, slot: OneSlot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "Attempt", BrokenOnce)
    monkeypatch.setattr(BrokenOnce, "tries", 0)
    monkeypatch.setattr(Consumer, "commands", 2)

    stopping.run(threading.Event())

    assert BrokenOnce.tries == 2
    assert slot.opened == 2
    assert stopping._commands.busy == 0


def test_a_worker_without_another_thread_says_that_it_is_to_be_restarted(
    stopping: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def refuse_runners(thread: threading.Thread) -> None:
        if thread.name.startswith("runner-"):
            raise RuntimeError("can't start new thread")
        start(thread)

    said: list[str] = []
    monkeypatch.setattr(threading.Thread, "start", refuse_runners)
    monkeypatch.setattr(Consumer, "run", lambda *_: said.append(stopping._alive()["slots"]))

    stopping.run(threading.Event())

    assert said == ["1 could not be opened"]


def test_a_slot_that_cannot_be_opened_is_missing_until_it_can(
    stopping: Worker, slot: OneSlot, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing: list[int] = []

    def refuse_twice() -> None:
        missing.append(stopping._runners.missing)
        if len(missing) <= 2:
            raise SlotDied("It does not start.")
        OneSlot.open(slot)

    monkeypatch.setattr(runner, "_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(slot, "open", refuse_twice)

    stopping.run(threading.Event())

    assert missing == [0, 1, 1]
    assert stopping._runners.missing == 0
