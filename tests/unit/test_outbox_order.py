"""What may be published when, what waits for other processes, and what may arrive late."""

from collections.abc import Callable, Collection, Mapping
from threading import Thread
from uuid import UUID

from waybill.ledger import Committed, Entry, Published, Row
from waybill.outbox.order import Order
from waybill.outbox.pending import Pending
from waybill.outbox.unacked import UnackedKeys
from waybill.store import Publication

REPORT, OTHER = UUID(int=1), UUID(int=2)


def row(first: int, last: int | None = None, report: UUID = REPORT) -> Publication:
    return Publication(report, first, first if last is None else last)


def committed(
    *rows: Publication,
    waiting: Collection[Row] = (),
    since: float = 0.0,
    looked_for: Collection[UUID] = (),
) -> Committed:
    """What a transaction has left; `waiting`: rows of the same report that were there before it."""
    by_key: Mapping[str, Collection[Row]] = {str(REPORT): waiting}
    entries = [Entry(one, str(one.report_id), []) for one in rows]
    return Committed(entries, by_key, since, [str(one) for one in looked_for])


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def order(clock: Callable[[], float] | None = None) -> Order:
    return Order(1.0, clock or Clock())


def ready(opened: Order) -> list[Row]:
    return [one.entry.row for one in opened.take_ready()]


class TestOrder:
    def test_what_nothing_waits_before_is_ready_at_once_and_once(self) -> None:
        opened = order()
        opened.add(committed(row(1), row(1, report=OTHER)))

        assert ready(opened) == [row(1), row(1, report=OTHER)]
        assert ready(opened) == []

    def test_what_this_process_publishes_holds_up_nothing_of_its_own(self) -> None:
        opened = order()
        opened.add(committed(row(1)))
        assert ready(opened) == [row(1)]
        opened.add(committed(row(2, 4), waiting=[row(1)]))

        assert ready(opened) == [row(2, 4)]

    def test_what_another_process_has_to_publish_is_waited_for(self) -> None:
        opened = order()
        opened.add(committed(row(2), waiting=[row(1)]))
        opened.add(committed(row(1, report=OTHER)))

        assert ready(opened) == [row(1, report=OTHER)]
        assert list(opened.held_up) == [str(REPORT)]

        opened.add(committed(waiting=[row(1)], looked_for=[REPORT]))
        assert ready(opened) == []
        opened.add(committed(looked_for=[REPORT]))
        assert ready(opened) == [row(2)]
        assert not opened.held_up

    def test_a_transaction_that_has_begun_before_proves_nothing(self) -> None:
        """It may have looked before there was what holds the entry up."""
        clock = Clock()
        opened = order(clock)
        clock.now = 0.2
        opened.add(committed(row(3), waiting=[row(2)]))
        opened.add(committed(looked_for=[REPORT], since=0.1))
        assert ready(opened) == []
        opened.add(committed(looked_for=[REPORT], since=0.3))

        assert ready(opened) == [row(3)]

    def test_a_transaction_that_did_not_look_for_it_proves_nothing(self) -> None:
        opened = order()
        opened.add(committed(row(3), waiting=[row(2)]))
        opened.add(committed(waiting=[]))

        assert ready(opened) == []

    def test_two_transactions_of_this_process_may_be_told_in_the_wrong_order(self) -> None:
        opened = order()
        opened.add(committed(row(3), waiting=[row(1), row(2)]))
        opened.add(committed(row(2), waiting=[row(1)]))
        assert ready(opened) == []
        opened.add(committed(row(1)))

        assert ready(opened) == [row(1), row(2), row(3)]

    def test_what_follows_one_that_is_held_up_waits_too(self) -> None:
        opened = order()
        opened.add(committed(row(2), waiting=[row(1)]))
        opened.add(committed(row(3), waiting=[row(1), row(2)]))
        assert ready(opened) == []
        opened.add(committed(looked_for=[REPORT]))

        assert ready(opened) == [row(2), row(3)]

    def test_what_was_not_published_is_waited_for_like_another_processs(self) -> None:
        opened = order()
        opened.add(committed(row(1)))
        assert ready(opened) == [row(1)]
        opened.not_published([row(1)])
        opened.add(committed(row(2), waiting=[row(1)]))

        assert ready(opened) == []

    def test_what_has_waited_for_long_is_left_to_the_sweep(self) -> None:
        clock = Clock()
        opened = order(clock)
        opened.add(committed(row(2), waiting=[row(1)]))
        opened.add(committed(row(1, report=OTHER), since=0.5))
        clock.now = 1.2

        assert ready(opened) == [row(1, report=OTHER)]
        assert not opened.held_up
        opened.add(committed(row(3), waiting=[row(2)], since=1.2))
        assert ready(opened) == []

    def test_what_is_ready_for_long_is_left_to_the_sweep_too(self) -> None:
        clock = Clock()
        opened = order(clock)
        opened.add(committed(row(1)))
        clock.now = 1.0

        assert ready(opened) == []
        opened.add(committed(row(2), waiting=[row(1)], since=1.0))
        assert ready(opened) == [], "the sweep may be at the first one"

    def test_what_follows_one_that_is_left_to_the_sweep_is_left_to_it_too(self) -> None:
        clock = Clock()
        opened = order(clock)
        opened.add(committed(row(1)))
        opened.add(committed(row(2), waiting=[row(1)], since=0.8))
        opened.add(committed(row(1, report=OTHER), since=0.8))
        clock.now = 1.2

        assert ready(opened) == [row(1, report=OTHER)]

    def test_what_is_left_to_the_sweep_holds_up_what_has_counted_on_it(self) -> None:
        """Row 3 waits for row 1, which is another process's, and for row 2, which was to go out with it."""
        clock = Clock()
        opened = order(clock)
        opened.add(committed(row(2), waiting=[row(1)]))
        clock.now = 0.8
        opened.add(committed(row(3), waiting=[row(1), row(2)], since=0.7))
        opened.add(committed(waiting=[row(2)], looked_for=[REPORT], since=0.75))
        clock.now = 1.2
        assert ready(opened) == [], "row 2 is too old by now"
        opened.add(committed(waiting=[row(2), row(3)], looked_for=[REPORT], since=1.3))

        assert ready(opened) == []
        opened.add(committed(waiting=[row(3)], looked_for=[REPORT], since=1.4))
        assert ready(opened) == [row(3)]

    def test_what_was_not_published_holds_up_what_has_counted_on_it(self) -> None:
        opened = order()
        opened.add(committed(row(2)))
        opened.add(committed(row(4), waiting=[row(2), row(3)]))
        assert ready(opened) == [row(2)]
        opened.not_published([row(2)])
        opened.add(committed(waiting=[row(2), row(4)], looked_for=[REPORT], since=0.1))

        assert ready(opened) == []
        opened.add(committed(waiting=[row(4)], looked_for=[REPORT], since=0.2))
        assert ready(opened) == [row(4)]

    def test_a_command_alone_waits_for_nothing(self) -> None:
        opened = order()
        command = Publication(REPORT, 3, 2, command=True)
        opened.add(committed(command, waiting=[row(2)]))

        assert ready(opened) == [command]

    def test_a_message_of_the_version_before_comes_first(self) -> None:
        opened = order()
        opened.add(committed(row(2), waiting=[17]))

        assert ready(opened) == []


class TestPending:
    def test_what_was_committed_is_taken_once_in_its_order(self) -> None:
        pending = Pending()
        first, second = committed(row(1)), committed(row(2))
        pending.committed(Published(), first)
        pending.committed(Published(), second)

        assert pending.take(0) == [first, second]
        assert not pending

    def test_beyond_the_limit_it_is_left_to_the_sweep(self) -> None:
        pending = Pending(limit=1)
        for number in (1, 2):
            pending.committed(Published(), committed(row(number)))

        assert pending.take(0) == [committed(row(1))]

    def test_what_was_published_is_forgotten_by_one_transaction(self) -> None:
        pending = Pending()
        pending.published([row(1)])
        pending.look_for(["a key"])

        taken = pending.take_published()
        assert (taken.rows, taken.keys) == ([row(1)], ["a key"])
        assert pending.take_published().rows == []
        pending.committed(taken, committed())
        assert pending.take_deleted() == [row(1)]

    def test_a_transaction_that_failed_leaves_it_to_the_next(self) -> None:
        pending = Pending()
        pending.published([row(1)])
        pending.failed(pending.take_published())

        assert pending.take_published().rows == [row(1)]
        assert pending.take_deleted() == []

    def test_a_wait_ends_with_what_is_committed(self) -> None:
        pending = Pending()
        taken: list[list[Committed]] = []
        waiting = Thread(target=lambda: taken.append(pending.take(60)))
        waiting.start()
        pending.committed(Published(), committed(row(1)))
        waiting.join(30)

        assert taken == [[committed(row(1))]]

    def test_a_stop_ends_every_wait_and_loses_nothing(self) -> None:
        pending = Pending()
        waiting = [Thread(target=pending.pause, args=(60,)), Thread(target=pending.take, args=(60,))]
        for thread in waiting:
            thread.start()
        pending.stop()
        for thread in waiting:
            thread.join(30)
        pending.committed(Published(), committed(row(1)))

        assert not any(thread.is_alive() for thread in waiting)
        assert pending.stopping
        assert pending.take(60) == [committed(row(1))]


class TestUnackedKeys:
    def test_what_gets_through_after_a_failure_may_be_reordered(self) -> None:
        keys = UnackedKeys()
        keys.sent(acked={"a"}, unacked={"b", "c"})
        assert keys.take_reordered() == []

        keys.sent(acked={"b"}, unacked=set())

        assert keys.take_reordered() == ["b"]
        assert keys.unacked == {"c"}

    def test_another_process_may_have_published_it(self) -> None:
        keys = UnackedKeys()
        keys.sent(acked=set(), unacked={"a"})
        keys.published({"a", "never ours"})

        assert keys.take_reordered() == ["a"]

    def test_it_stays_until_it_was_published_again(self) -> None:
        keys = UnackedKeys()
        keys.in_doubt({"b", "a"})

        assert keys.take_reordered() == ["a", "b"]
        assert keys.take_reordered() == ["a", "b"]
        keys.republished()
        assert keys.take_reordered() == []
