"""A writer that is busy waits a moment for others, and not where that is in vain."""

import threading

import pytest

from waybill.ledger import writer
from waybill.ledger.writer import _Lingering


class Waits(threading.Condition):
    """Notes for how many writes it was waited, instead of waiting; meanwhile `come` writes come."""

    def __init__(self) -> None:
        super().__init__()
        self.come = 0
        self.count = 1
        self.enough: list[int] = []

    def wait_for(self, predicate, timeout=None):  # type: ignore[no-untyped-def]
        assert timeout is not None
        before = self.count
        self.count += self.come
        self.enough.append(next(number for number in range(1, 1000) if self._holds(predicate, number)))
        self.count = before + self.come
        return predicate()

    def _holds(self, predicate, number: int) -> bool:  # type: ignore[no-untyped-def]
        self.count = number
        return bool(predicate())


@pytest.fixture
def changed() -> Waits:
    return Waits()


def test_one_that_was_idle_does_not_wait(changed: Waits) -> None:
    _Lingering().wait(changed, lambda: changed.count)

    assert changed.enough == []


def test_one_that_is_busy_waits_for_twice_as_many_or_as_many_as_the_last_time(changed: Waits) -> None:
    lingering = _Lingering()
    changed.come = 1
    for together, count in ((1, 1), (1, 3), (8, 2)):
        lingering.written(together)
        changed.count = count
        lingering.wait(changed, lambda: changed.count)

    assert changed.enough == [2, 6, 8]


def test_it_does_not_wait_for_a_while_where_that_was_in_vain(changed: Waits) -> None:
    lingering = _Lingering()
    for _ in range(2 + writer._VAIN):
        lingering.written(1)
        changed.count = 1
        lingering.wait(changed, lambda: changed.count)

    assert len(changed.enough) == 2
