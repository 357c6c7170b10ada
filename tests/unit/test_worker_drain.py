"""How a worker ends: without a database, and with a slot and an attempt that do as they are told."""

import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar
from unittest.mock import MagicMock
from uuid import UUID

import pytest

from report_worker import worker
from report_worker.attempt import AttemptContext
from report_worker.intake import Claimed
from report_worker.settings import WorkerSettings
from report_worker.slots import Slot
from report_worker.worker import Worker
from waybill import runtime
from waybill.addresses import listen
from waybill.domain import new_report_id
from waybill.settings import load


class OneSlot(Slot):
    """Without a process."""

    def __init__(self) -> None:
        self.stopped = False
        self.given_back = 0

    def stop(self) -> None:
        self.stopped = True


class Pool:
    """Has one slot, and loses sight of it once it is taken."""

    missing = 0

    def __init__(self, slot: OneSlot) -> None:
        self._slot = slot

    def take(self) -> Slot:
        return self._slot

    def give_back(self, slot: Slot, *, usable: bool) -> None:
        assert slot is self._slot
        assert usable
        self._slot.given_back += 1

    def close(self) -> None:
        """The slot is taken."""


class Consumer:
    """Has one command, or a few."""

    def __init__(self, start: Callable[[Any], bool]) -> None:
        self._start = start
        self.commands = 1
        self.started: list[bool] = []
        self.last_poll = time.monotonic()

    def run(self, _: threading.Event) -> None:
        for _number in range(self.commands):
            self.started.append(self._start(SimpleNamespace(report=SimpleNamespace(id=new_report_id()))))


class LateAttempt:
    """Ends well, but only after the worker has lost patience."""

    released: ClassVar[list[UUID]] = []

    def __init__(self, context: AttemptContext, claimed: Claimed, _: object) -> None:
        self._interrupted: threading.Event = context.interrupted
        self._report_id = claimed.report.id

    def run(self) -> bool:
        return self._interrupted.wait(60)

    def release(self) -> None:
        self.released.append(self._report_id)


@pytest.fixture
def slot() -> OneSlot:
    return OneSlot()


@pytest.fixture
def stopping(slot: OneSlot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Worker:
    """A worker that stops as soon as it has begun its first attempt."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(runtime, "Relay", MagicMock())
    monkeypatch.setattr(worker, "SlotPool", lambda *_: Pool(slot))
    monkeypatch.setattr(worker, "CommandConsumer", lambda *parts: Consumer(parts[-1]))
    monkeypatch.setattr(worker, "Attempt", LateAttempt)
    monkeypatch.setattr(LateAttempt, "released", [])
    settings = load(
        WorkerSettings,
        database_url="postgresql://nobody@127.0.0.1:1/nothing",
        kafka_bootstrap_servers="127.0.0.1:1",
        artefact_url=tmp_path.as_uri(),
        health_listen="127.0.0.1:0",
        drain_seconds=0,
    )
    return Worker(settings, listen("127.0.0.1:0"))


def test_no_slot_outlives_its_attempt_in_a_worker_that_stops(stopping: Worker, slot: OneSlot) -> None:
    """It ignores SIGTERM, and multiprocessing waits for it at exit."""
    stopping.run(threading.Event())

    assert slot.stopped


def test_a_worker_without_another_thread_releases_the_report_and_goes_on(
    stopping: Worker, slot: OneSlot, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start
    refused: list[str] = []

    def refuse_the_first(thread: threading.Thread) -> None:
        if thread.name.startswith("attempt-") and not refused:
            refused.append(thread.name)
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse_the_first)
    commands = stopping._consumer
    assert isinstance(commands, Consumer)
    commands.commands = 2

    stopping.run(threading.Event())

    assert commands.started == [False, True]
    assert [f"attempt-{report_id}" for report_id in LateAttempt.released] == refused
    assert slot.given_back == 1, "unharmed, before the next command"
