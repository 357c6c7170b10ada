"""A slot's process, and how it ends."""

import gc
import logging
import os
import socket
import sys
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from report_worker.slots import Job, StepStarted, process, processes, template
from report_worker.slots.channel import Channel
from report_worker.slots.protocol import FROM_SLOT, TO_SLOT, Ended, Fork, Ready, Stop
from report_worker.slots.state import ProcessState
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
    monkeypatch.setattr(process, "flush", flush)
    monkeypatch.setattr(os, "_exit", lambda _: exited.set())
    ours, theirs = socket.socketpair()
    worker, slot = Channel(ours, TO_SLOT, FROM_SLOT), Channel(theirs, FROM_SLOT, TO_SLOT)
    slot_process = process.SlotProcess(slot, Registry([ENDLESS]))
    threading.Thread(target=slot_process.run, daemon=True).start()
    worker.send(Job(new_report_id(), 1, "endless", {}, tmp_path, None))
    assert worker.receive() == Ready()
    assert worker.receive() == StepStarted("step 0")

    worker.send(Stop())
    assert flushing.wait(30)
    go_on.set()
    worker.receive()  # the step has ended
    worker.receive()  # and so has the job

    assert begun == [0]
    sent.set()
    assert exited.wait(30)
    worker.close()
    slot.close()


def test_what_cannot_be_ended_holds_up_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a process that waits for a file system: it is killed, but stays."""
    told: list[object] = []
    clock = [0.0]
    sweeps = iter([False, False, False, False, True])
    monkeypatch.setattr(processes, "reap", lambda pid: -9 if pid == 7 else None)
    monkeypatch.setattr(processes, "kill_children", lambda _: next(sweeps))
    monkeypatch.setattr(os, "killpg", lambda *_: None)
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    one: Any = template.Template(SimpleNamespace(send=told.append), SimpleNamespace())  # type: ignore[arg-type]
    one._slots = {7, 8}

    one._reap()
    clock[0] = 1.9
    one._reap()
    assert told == []

    clock[0] = 2.1
    one._reap()
    assert told == [Ended(7, -9)]
    assert one._exited == {}
    assert one._slots == {8}

    one._reap()
    assert one._pause_ms() is not None, "what it has started comes to the template when it is gone at last"
    one._reap()
    assert one._pause_ms() is None
    one._reap()


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError


def test_what_a_job_leaves_is_noticed_even_if_it_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    state = ProcessState()

    monkeypatch.setattr(warnings, "filters", [*warnings.filters, Unprintable()])

    assert "module defaults" in state.left_over()


CHANGES: dict[str, tuple[Callable[[], Any], Callable[[Any], Any], Any]] = {
    "collector": (gc.get_threshold, lambda value: gc.set_threshold(*value), (9, 9, 9)),
    "switch interval": (sys.getswitchinterval, sys.setswitchinterval, 0.5),
    "digits": (sys.get_int_max_str_digits, sys.set_int_max_str_digits, 5000),
    "logs": (lambda: logging.root.manager.disable, logging.disable, 10),
}
"""How each is read and changed, and to what."""


@pytest.mark.parametrize("what", CHANGES)
def test_what_a_job_changes_of_the_interpreter_is_noticed(what: str) -> None:
    read, change, value = CHANGES[what]
    before, state = read(), ProcessState()
    try:
        change(value)
        left_over = state.left_over()
    finally:
        change(before)

    assert left_over in [("interpreter settings",), ("module defaults",)]
    assert state.left_over() == ()


def test_a_template_that_gets_no_channel_ends_so_that_another_is_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A job may set its limit of open files: no file descriptor arrives."""
    ended: list[bool] = []
    control = SimpleNamespace(
        send=lambda _: None, receive=lambda _: Fork(), received_files=deque(), fileno=lambda: 0
    )
    one: Any = template.Template(control, SimpleNamespace(traced=False))  # type: ignore[arg-type]
    monkeypatch.setattr(one, "_import_kinds", lambda: None)
    monkeypatch.setattr(one, "_serve", lambda: one._handle(control.receive(0), (0, 0)))
    monkeypatch.setattr(one, "_end_all", lambda: ended.append(True))
    monkeypatch.setattr(template, "configure_logs", lambda *_: None)

    with capture_logs() as lines:
        one._options = SimpleNamespace(traced=False, log_format="json", log_level="info")
        one.run()

    assert ended == [True]
    assert [line["event"] for line in lines] == ["the slots' template ends"]
