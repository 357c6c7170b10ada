"""A slot's process, and how it ends."""

import os
import threading
from multiprocessing import Pipe, active_children
from pathlib import Path

import pytest

from report_worker.slots import Job, Slot, StepStarted, child
from report_worker.slots.protocol import Ready, Stop
from waybill.domain import new_report_id
from waybill.kinds import Artefact, Kind, Parameters, Registry, Work

ENDLESS = Kind(
    name="endless",
    title="Endless",
    description="One step after the other.",
    parameters=Parameters,
    steps=lambda _: (),
    implementation=f"{__name__}:produce",
)
begun: list[int] = []
go_on = threading.Event()


def produce(_: Parameters, work: Work) -> Artefact:
    while True:
        with work.step(f"step {len(begun)}"):
            begun.append(len(begun))
            go_on.wait(30)


def test_a_slot_that_is_told_to_stop_begins_no_other_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long its spans take to be sent out."""

    def flush() -> None:
        flushing.set()
        sent.wait(30)

    flushing, sent, exited = threading.Event(), threading.Event(), threading.Event()
    monkeypatch.setattr(child, "flush", flush)
    monkeypatch.setattr(os, "_exit", lambda _: exited.set())
    worker, slot = Pipe()
    process = threading.Thread(target=child.SlotProcess(slot, Registry([ENDLESS])).run, daemon=True)
    process.start()
    worker.send(Job(new_report_id(), 1, "endless", {}, tmp_path, None))
    assert worker.recv() == Ready()
    assert worker.recv() == StepStarted("step 0")

    worker.send(Stop())
    assert flushing.wait(30)
    go_on.set()
    worker.recv()  # the step has ended
    worker.recv()  # and so has the job

    assert begun == [0]
    sent.set()
    assert exited.wait(30)


def test_a_slot_may_be_ended_more_than_once() -> None:
    before = set(active_children())
    slot = Slot(512, "json", "warning")
    slot.wait_until_ready()

    slot.kill()
    slot.stop()
    slot.kill()
    slot.stop()

    assert set(active_children()) == before
