"""The commands that wait for a slot: their order, and when a partition has enough of them."""

from collections import defaultdict, deque

from confluent_kafka import Message
from hypothesis import given
from hypothesis import strategies as st

from report_worker.read_ahead import ReadAhead


def command(partition: int, offset: int, size: int = 10) -> Message:
    return Message(topic="report", partition=partition, offset=offset, value=b"x" * size)


def position(message: Message) -> tuple[int | None, int | None]:
    return message.partition(), message.offset()


def test_each_partition_has_its_turn() -> None:
    ahead = ReadAhead()
    for offset in range(3):
        ahead.add(command(0, offset))
    for offset in range(2):
        ahead.add(command(1, offset))
    ahead.add(command(2, 0))

    taken = [position(ahead.take()) for _ in range(6)]

    assert taken == [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (0, 2)]
    assert not ahead


def test_one_that_is_put_back_comes_before_those_behind_it_and_after_the_others() -> None:
    ahead = ReadAhead()
    for message in (command(0, 0), command(0, 1), command(1, 0)):
        ahead.add(message)

    ahead.put_back(ahead.take(), is_next=False)

    assert [position(ahead.take()) for _ in range(3)] == [(1, 0), (0, 0), (0, 1)]


def test_one_for_which_room_is_made_is_the_next() -> None:
    ahead = ReadAhead()
    for message in (command(0, 0), command(0, 1), command(1, 0)):
        ahead.add(message)

    ahead.put_back(ahead.take(), is_next=True)

    assert position(ahead.take()) == (0, 0)


def test_a_partition_is_full_until_half_of_it_is_taken() -> None:
    ahead = ReadAhead(most_messages=4)
    for offset in range(4):
        assert set(ahead.full) == set()
        ahead.add(command(3, offset))
    assert set(ahead.full) == {3}

    ahead.take()
    assert set(ahead.full) == {3}
    ahead.take()
    assert set(ahead.full) == set()


def test_large_messages_fill_a_partition_too() -> None:
    ahead = ReadAhead(most_bytes=100)
    ahead.add(command(0, 0, size=101))
    ahead.add(command(1, 0, size=99))
    assert set(ahead.full) == {0}

    ahead.take()
    assert set(ahead.full) == set()


def test_what_is_another_worker_s_now_is_dropped() -> None:
    ahead = ReadAhead(most_messages=1)
    ahead.add(command(0, 0))
    ahead.add(command(1, 0))

    ahead.drop({0, 5})

    assert set(ahead.full) == {1}
    assert position(ahead.take()) == (1, 0)
    assert not ahead


@given(st.lists(st.tuples(st.sampled_from(["add", "take", "put back", "drop"]), st.integers(0, 2))))
def test_each_partition_keeps_its_order_and_its_count(steps: list[tuple[str, int]]) -> None:
    ahead = ReadAhead(most_messages=3)
    model: dict[int, deque[int]] = defaultdict(deque)
    numbers = iter(range(10_000))
    for action, partition in steps:
        if action == "add":
            offset = next(numbers)
            ahead.add(command(partition, offset))
            model[partition].append(offset)
        elif action == "drop":
            ahead.drop({partition})
            model[partition].clear()
        elif ahead:
            message = ahead.take()
            assert message.offset() == model[message.partition() or 0].popleft()
            if action == "put back":
                ahead.put_back(message, is_next=partition == 0)
                model[message.partition() or 0].appendleft(message.offset() or 0)
        assert bool(ahead) == any(model.values())
        for number, waiting in model.items():
            if len(waiting) >= 3:
                assert number in ahead.full
            elif len(waiting) <= 1:
                assert number not in ahead.full
