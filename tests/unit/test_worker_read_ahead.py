"""The commands that wait for a slot: their order, and when a partition has enough of them."""

from collections import defaultdict, deque

from confluent_kafka import Message
from hypothesis import given
from hypothesis import strategies as st

from report_worker.offsets import DoneOffsets
from report_worker.read_ahead import ReadAhead, ReadCommand


def command(partition: int, offset: int, size: int = 10) -> ReadCommand:
    message = Message(topic="report", partition=partition, offset=offset, value=b"x" * size)
    offsets = DoneOffsets()
    return ReadCommand(message, partition, offset, offsets, offsets.read(message))


def position(command: ReadCommand) -> tuple[int, int]:
    return command.partition, command.number


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
    for one in (command(0, 0), command(0, 1), command(1, 0)):
        ahead.add(one)

    ahead.put_back(ahead.take())

    assert [position(ahead.take()) for _ in range(3)] == [(1, 0), (0, 0), (0, 1)]


def test_those_that_are_put_back_have_the_order_in_which_they_were_read() -> None:
    ahead = ReadAhead()
    for offset in range(4):
        ahead.add(command(0, offset))
    first, second, third = (ahead.take() for _ in range(3))

    for one in (second, first, third):
        ahead.put_back(one)

    assert [position(ahead.take()) for _ in range(4)] == [(0, 0), (0, 1), (0, 2), (0, 3)]


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
            taken = ahead.take()
            assert taken.number == model[taken.partition].popleft()
            if action == "put back":
                ahead.put_back(taken)
                model[taken.partition].appendleft(taken.number)
        assert bool(ahead) == any(model.values())
        for number, waiting in model.items():
            if len(waiting) >= 3:
                assert number in ahead.full
            elif len(waiting) <= 1:
                assert number not in ahead.full
