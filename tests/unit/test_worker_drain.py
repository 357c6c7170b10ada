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

from report_worker import worker
from report_worker.attempt import AttemptContext
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

    def stop(self) -> None:
        self.stopped = True


class Pool:
    """Has one slot, and loses sight of it once it is taken."""

    missing = 0

    def __init__(self, slot: Slot) -> None:
        self._slot = slot

    def take(self) -> Slot:
        return self._slot

    def close(self) -> None:
        """The slot is taken."""


class Consumer:
    """Has one command."""

    def __init__(self, start: Callable[[Any], None]) -> None:
        self._start = start
        self.last_poll = time.monotonic()

    def run(self, _: threading.Event) -> None:
        self._start(SimpleNamespace(report=SimpleNamespace(id=new_report_id())))


class LateAttempt:
    """Ends well, but only after the worker has lost patience."""

    def __init__(self, context: AttemptContext, *_: object) -> None:
        self._interrupted: threading.Event = context.interrupted

    def run(self) -> bool:
        return self._interrupted.wait(60)


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


def test_a_worker_without_another_thread_ends_in_order(
    stopping: Worker, slot: OneSlot, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name.startswith("attempt-"):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)

    with pytest.raises(RuntimeError, match="can't start new thread"):
        stopping.run(threading.Event())

    assert slot.stopped
