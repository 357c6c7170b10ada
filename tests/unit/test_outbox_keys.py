"""Pending keys are hints for the relay; unacknowledged ones tell which messages may arrive late."""

from threading import Thread

from waybill.outbox.keys import PendingKeys, UnackedKeys


class TestPendingKeys:
    def test_each_is_taken_once_in_the_order_of_its_first_commit(self) -> None:
        pending = PendingKeys()
        for key in ("a", "b", "a", "c"):
            pending.add(key)

        assert pending.take(2, 0) == ["a", "b"]
        assert pending.take(2, 0) == ["c"]
        assert not pending

    def test_what_is_put_back_comes_first(self) -> None:
        pending = PendingKeys()
        pending.add("c")
        pending.put_back(["a", "b"])

        assert pending.take(9, 0) == ["a", "b", "c"]

    def test_beyond_the_limit_they_are_left_to_the_sweep(self) -> None:
        pending = PendingKeys(limit=1)
        pending.add("a")
        pending.add("b")

        assert pending.take(9, 0) == ["a"]

    def test_a_wait_ends_with_a_key(self) -> None:
        pending = PendingKeys()
        taken: list[list[str]] = []
        waiting = Thread(target=lambda: taken.append(pending.take(9, 60)))
        waiting.start()
        pending.add("a")
        waiting.join(30)

        assert taken == [["a"]]

    def test_a_stop_ends_every_wait_and_loses_no_key(self) -> None:
        pending = PendingKeys()
        waiting = [Thread(target=pending.pause, args=(60,)), Thread(target=pending.take, args=(1, 60))]
        for thread in waiting:
            thread.start()
        pending.stop()
        for thread in waiting:
            thread.join(30)
        pending.add("a")

        assert not any(thread.is_alive() for thread in waiting)
        assert pending.stopping
        assert pending.take(9, 60) == ["a"]


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
