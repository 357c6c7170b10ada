"""When a runner claims its next report, with claims and a slot that do as they are told."""

from collections import deque
from collections.abc import Callable
from threading import Event
from types import SimpleNamespace
from typing import Any, cast

import pytest

from report_worker import runner
from report_worker.attempt import AttemptContext
from report_worker.claims import BegunClaim, Claims
from report_worker.intake import Claimed
from report_worker.runner import Runner
from report_worker.slots import Slot
from waybill.domain import new_report_id


class OneSlot(Slot):
    """Without a process. Notes what is done to it."""

    def __init__(self, notes: list[str]) -> None:
        self.jobs = 0
        self.is_running = False
        self._notes = notes

    @property
    def pid(self) -> int | None:
        return 1 if self.is_running else None

    @property
    def is_alive(self) -> bool:
        return self.is_running

    def open(self) -> None:
        self.jobs = 0
        self.is_running = True
        self._notes.append("open")

    def stop(self) -> None:
        self.is_running = False
        self._notes.append("stop")

    kill = stop


class Reports(Claims):
    """Some reports, of which each that is `refused` went to another worker. The runner stops after them."""

    def __init__(self, notes: list[str], stopping: Event, count: int, refused: tuple[int, ...]) -> None:
        self._notes = notes
        self._stopping = stopping
        self._left = deque(range(count))
        self._refused = refused

    def begin(self, seconds: float = 0.0, is_ready: Callable[[], bool] = lambda: True) -> BegunClaim | None:
        if not is_ready():
            return None
        if not self._left:
            if seconds:
                self._stopping.set()
            return None
        number = self._left.popleft()
        self._notes.append(f"begin {number}")
        return BegunClaim(cast(Any, number), lambda: None)

    def finish(self, begun: BegunClaim) -> Claimed | None:
        number = cast(int, begun.command)
        self._notes.append(f"claim {number}")
        if number in self._refused:
            return None
        return cast(Claimed, SimpleNamespace(report=SimpleNamespace(id=new_report_id()), number=number))

    def ended(self) -> None:
        self._notes.append("ended")


class Bench:
    """A runner with some reports; `act` is what each attempt does in place of its job."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.notes: list[str] = []
        self.stopping = Event()
        self.act: Callable[[int, OneSlot], bool] = lambda *_: True
        self.fails_after: int | None = None
        bench = self

        class Attempt:
            """Ends; the next one may be claimed with its end where `act` says so."""

            def __init__(
                self, _: object, claimed: Any, slot: OneSlot, before_end: Callable[[], None]
            ) -> None:
                self._number, self._slot, self._before_end = claimed.number, slot, before_end

            def run(self) -> None:
                assert self._slot.is_alive, "it has a process"
                self._slot.jobs += 1
                if bench.act(self._number, self._slot):
                    self._before_end()
                else:
                    self._slot.stop()
                if self._number == bench.fails_after:
                    raise ValueError("Nobody expects it.")
                bench.notes.append(f"end {self._number}")

        monkeypatch.setattr(runner, "Attempt", Attempt)

    def run(self, count: int, refused: tuple[int, ...] = (), jobs_per_process: int = 0) -> list[str]:
        """What happened, but for the begin and the end of all."""
        claims = Reports(self.notes, self.stopping, count, refused)
        one = Runner(cast(AttemptContext, None), claims, OneSlot(self.notes), jobs_per_process)
        one.start("runner", self.stopping)
        one.join(30)
        assert self.notes[0] == "open"
        assert self.notes[-1] == "stop"
        return self.notes[1:-1]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(monkeypatch)


def test_the_next_claim_is_begun_before_the_end_is_written(bench: Bench) -> None:
    assert bench.run(2) == [
        *("begin 0", "claim 0"),
        *("begin 1", "end 0", "ended", "claim 1"),
        *("end 1", "ended"),
    ]


def test_a_claim_that_was_refused_is_followed_by_the_next(bench: Bench) -> None:
    assert bench.run(3, refused=(1,)) == [
        *("begin 0", "claim 0"),
        *("begin 1", "end 0", "ended", "claim 1"),
        *("begin 2", "claim 2", "end 2", "ended"),
    ]


def test_nothing_is_claimed_before_a_slot_that_was_stopped_is_open_again(bench: Bench) -> None:
    bench.act = lambda number, _: number != 0

    assert bench.run(2) == [
        *("begin 0", "claim 0", "stop", "end 0", "ended"),
        *("open", "begin 1", "claim 1", "end 1", "ended"),
    ]


def test_nor_before_a_process_that_has_done_its_share_is_replaced(bench: Bench) -> None:
    assert bench.run(3, jobs_per_process=2) == [
        *("begin 0", "claim 0"),
        *("begin 1", "end 0", "ended", "claim 1", "end 1", "ended", "stop"),
        *("open", "begin 2", "claim 2", "end 2", "ended"),
    ]


def test_a_process_that_died_is_replaced_before_a_report_is_claimed_for_it(bench: Bench) -> None:
    def die(number: int, slot: OneSlot) -> bool:
        slot.is_running = number != 0
        return True

    bench.act = die

    assert bench.run(2) == [
        *("begin 0", "claim 0", "end 0", "ended"),
        *("open", "begin 1", "claim 1", "end 1", "ended"),
    ]


def test_a_worker_that_stops_claims_nothing_more_and_runs_what_it_has_claimed(bench: Bench) -> None:
    def stop(number: int, _: OneSlot) -> bool:
        if number == 1:
            bench.stopping.set()
        return True

    bench.act = stop

    assert bench.run(3) == [
        *("begin 0", "claim 0"),
        *("begin 1", "end 0", "ended", "claim 1"),
        *("end 1", "ended"),
    ]


def test_a_claim_that_was_begun_is_finished_though_the_attempt_fails_after_it(bench: Bench) -> None:
    """By an error that nobody expects of it."""
    bench.fails_after = 0

    assert bench.run(2) == [
        *("begin 0", "claim 0"),
        *("begin 1", "stop", "ended", "claim 1"),
        *("open", "end 1", "ended"),
    ]


def test_a_runner_that_cannot_go_on_is_a_missing_slot(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyError("Nobody expects it.")

    slot = OneSlot(bench.notes)
    one = Runner(cast(AttemptContext, None), Reports(bench.notes, bench.stopping, 1, ()), slot, 0)
    monkeypatch.setattr(Reports, "finish", fail)

    one.start("runner", bench.stopping)
    one.join(30)

    assert one.is_missing
    assert not slot.is_alive


def test_a_slot_for_which_there_is_no_thread_is_tried_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_slot, tries = OneSlot.open, list[str]()

    def refuse_once(slot: OneSlot) -> None:
        tries.append("try")
        if len(tries) == 1:
            raise RuntimeError("can't start new thread")
        open_slot(slot)

    monkeypatch.setattr(runner, "_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(OneSlot, "open", refuse_once)

    assert bench.run(1) == ["begin 0", "claim 0", "end 0", "ended"]
    assert len(tries) == 2
