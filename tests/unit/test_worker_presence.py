"""A worker's row says what it can do: soon after that changes, and until the worker ends."""

from queue import Queue
from typing import Any, cast

import pytest

from report_worker.presence import Presence
from waybill.store import StoreUnavailable


class Row:
    """What is written, in its order; None once it is removed."""

    def __init__(self) -> None:
        self.written: Queue[int | None] = Queue()
        self.is_away = False

    def write(self, partitions: int) -> None:
        self.written.put(partitions)

    def remove(self) -> None:
        if self.is_away:
            raise StoreUnavailable("The database is away.")
        self.written.put(None)


@pytest.fixture
def row() -> Row:
    return Row()


def presence(row: Row) -> Presence:
    return Presence(cast("Any", row))


def test_it_is_written_at_the_start_at_each_change_and_removed_at_the_end(row: Row) -> None:
    ours = presence(row)
    ours.start()
    assert row.written.get(timeout=30) == 0
    ours.has_partitions(3)
    assert row.written.get(timeout=30) == 3

    ours.has_partitions(3)
    ours.stop()

    assert row.written.get(timeout=30) is None


def test_a_database_that_is_away_does_not_keep_a_worker_from_its_end(row: Row) -> None:
    ours = presence(row)
    ours.start()
    row.is_away = True

    ours.stop()
