"""A worker asks which reports are to be cancelled while it has any."""

from datetime import timedelta
from threading import Semaphore
from typing import Any, cast
from uuid import UUID

from report_worker.cancellations import Cancellations
from tests.support.waiting import eventually
from waybill.domain import new_report_id

OFTEN = timedelta(milliseconds=1)


class Ledger:
    """With one report to be cancelled."""

    def __init__(self) -> None:
        self.report_id = new_report_id()
        self.asked = Semaphore(0)
        self.times = 0

    def cancelled_attempts(self, owner: str) -> list[tuple[UUID, int]]:
        assert owner == "worker-1"
        self.times += 1
        self.asked.release()
        return [(self.report_id, 2)]


def test_it_is_asked_for_attempts_that_run() -> None:
    ledger = Ledger()
    cancellations = Cancellations(cast("Any", ledger), "worker-1", OFTEN)
    cancellations.start()
    try:
        eventually(lambda: cancellations.wanted(ledger.report_id, 2), "the cancellation")
        assert not cancellations.wanted(ledger.report_id, 1), "it was redriven since"
    finally:
        cancellations.stop()


def test_the_database_is_asked_once_for_each_time_an_attempt_asks() -> None:
    ledger = Ledger()
    cancellations = Cancellations(cast("Any", ledger), "worker-1", OFTEN)
    cancellations.start()
    assert not ledger.asked.acquire(timeout=0.05), "no attempt runs"

    cancellations.wanted(ledger.report_id, 1)

    assert ledger.asked.acquire(timeout=60)
    assert not ledger.asked.acquire(timeout=0.05)
    cancellations.stop()
    assert ledger.times == 1
