"""What becomes of a command whose report is to be claimed, where the database or the message fails it."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import Message
from structlog.testing import capture_logs

from report_worker import claims, isolation
from report_worker.claims import Claims
from report_worker.command_queue import CommandQueue
from report_worker.intake import Claimed, NeedsIdleWorker, Processed
from waybill.domain import new_report_id
from waybill.store import StoreUnavailable

UNAVAILABLE = StoreUnavailable("The database is unavailable: try again later.")


def claimed(losses: int = 0) -> Claimed:
    report: Any = SimpleNamespace(id=new_report_id(), losses=losses)
    return SimpleNamespace(report=report)  # type: ignore[return-value]


class Intake:
    """Does with each message what the test says."""

    def __init__(self, act: Callable[[int], Processed]) -> None:
        self.act = act
        self.looks: list[tuple[int | None, bool]] = []
        self.postponed: list[NeedsIdleWorker] = []
        self.given_up: list[int | None] = []

    def begin(self, message: Message, *, alone: bool, read_at: int) -> Callable[[], Processed]:
        assert read_at > 0
        self.looks.append((message.offset(), alone))
        return lambda: self.act(len(self.looks))

    def postpone(self, needs: NeedsIdleWorker) -> None:
        self.postponed.append(needs)

    def give_up(self, message: Message, _: Exception) -> None:
        self.given_up.append(message.offset())


class Bench:
    """Of one partition with two commands."""

    def __init__(self, act: Callable[[int], Processed]) -> None:
        self.now = 100.0
        self.queue = CommandQueue(lambda: self.now)
        self.queue.add([Message(topic="report", partition=0, offset=number) for number in range(2)])
        self.intake = Intake(act)
        self.claims = Claims(self.queue, self.intake)  # type: ignore[arg-type]

    @property
    def stored(self) -> list[int | None]:
        return [message.offset() for message in self.queue.done_with()]


def raising(error: Exception) -> Callable[[int], Processed]:
    def act(_: int) -> Processed:
        raise error

    return act


def test_what_is_begun_is_claimed_once_it_is_finished() -> None:
    report = claimed()
    bench = Bench(lambda _: report)

    begun = bench.claims.begin()
    assert begun is not None
    assert bench.stored == []

    assert bench.claims.finish(begun) is report
    assert bench.stored == [0]


def test_a_command_waits_for_the_database() -> None:
    bench = Bench(raising(UNAVAILABLE))

    assert bench.claims.next(0) is None
    assert bench.claims.next(0) is None
    assert bench.intake.looks == [(0, False)]
    bench.now += 1
    assert bench.claims.next(0) is None

    assert bench.intake.looks == [(0, False), (0, False)]
    assert bench.stored == []
    assert bench.queue.busy == 0


@pytest.mark.parametrize("part", ["begin", "finish"])
def test_a_message_that_always_fails_becomes_a_dead_letter_after_some_tries(part: str) -> None:
    bench = Bench(raising(ValueError("It cannot be processed.")))
    if part == "begin":

        def fail(message: Message, *, alone: bool, read_at: int) -> Callable[[], Processed]:
            assert read_at > 0
            bench.intake.looks.append((message.offset(), alone))
            raise ValueError("It cannot be processed.")

        bench.intake.begin = fail  # type: ignore[method-assign]

    for tries in range(claims._MAX_TRIES):
        assert bench.intake.given_up == []
        assert bench.claims.next(0) is None
        assert len(bench.intake.looks) == tries + 1
        bench.now += 1

    assert bench.intake.given_up == [0]
    assert bench.stored == [0]
    assert bench.queue.busy == 0
    bench.claims.next(0)
    assert bench.intake.looks[-1] == (1, False), "the next one is tried from the start"


def test_the_log_has_no_host_where_a_letter_cannot_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error's cause is what libpq says."""
    monkeypatch.setattr(claims, "_MAX_TRIES", 1)
    bench = Bench(raising(ValueError("It cannot be processed.")))

    def refuse(_: Message, __: Exception) -> None:
        cause = OSError('connection to server at "db.hush" (10.0.0.7) failed: Connection refused')
        raise StoreUnavailable("The database is unavailable: try again later.") from cause

    bench.intake.give_up = refuse  # type: ignore[assignment, method-assign]
    with capture_logs() as lines:
        bench.claims.next(0)

    kept = [line for line in lines if "not kept as a dead letter" in line["event"]]
    assert [line["reason"] for line in kept] == ["The database is unavailable: try again later."]
    assert not any("exc_info" in line for line in kept), "a traceback has the cause"
    assert bench.stored == []


def test_a_report_that_must_run_alone_is_claimed_alone_once_nothing_runs() -> None:
    needs = NeedsIdleWorker(new_report_id(), timedelta(0))
    answers: Iterator[Processed] = iter([needs, claimed(losses=2)])
    bench = Bench(lambda _: next(answers))

    assert bench.claims.next(0) is None
    assert bench.claims.next(0) is not None
    assert bench.claims.next(0) is None, "and nothing beside it"

    assert bench.intake.looks == [(0, False), (0, True)]
    assert bench.intake.postponed == []


def test_room_for_a_report_that_has_ended_meanwhile_is_not_taken_for_that_of_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of two reports that must run alone, the first is cancelled while the worker makes room for it."""
    monkeypatch.setattr(isolation, "_MIN_ROOM", timedelta(0))
    needs = NeedsIdleWorker(new_report_id(), timedelta(0))
    answers: Iterator[Processed] = iter([claimed(), needs, None, needs, needs])
    bench = Bench(lambda _: next(answers))
    bench.queue.add([Message(topic="report", partition=0, offset=2)])

    for _ in range(5):
        bench.claims.next(0)

    assert bench.intake.looks == [(0, False), (1, False), (1, False), (2, False), (2, False)]
    assert bench.intake.postponed == [needs], "room is made for the second, too, before it is postponed"
    assert bench.stored == [2]


def test_a_report_that_could_not_be_postponed_keeps_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "_MIN_ROOM", timedelta(0))
    needs = NeedsIdleWorker(new_report_id(), timedelta(0))
    answers: Iterator[Processed] = iter([claimed(), needs, needs])
    bench = Bench(lambda _: next(answers))

    def refuse(_: NeedsIdleWorker) -> None:
        raise UNAVAILABLE

    bench.intake.postpone = refuse  # type: ignore[assignment, method-assign]
    for _ in range(3):
        bench.claims.next(0)

    assert bench.stored == [0]
    assert bench.queue.busy == 1, "the one that runs"
