"""Which offset of a partition may be stored, while its messages are done with in any order."""

from random import Random

from confluent_kafka import Message
from hypothesis import given
from hypothesis import strategies as st

from report_worker.offsets import DoneOffsets, Place


def message(offset: int) -> Message:
    return Message(topic="report", partition=0, offset=offset)


def test_the_offset_of_a_message_waits_for_those_before_it() -> None:
    offsets = DoneOffsets()
    first, second, third = (offsets.read(message(number)) for number in (4, 7, 9))

    offsets.done(second)
    assert offsets.take() is None

    offsets.done(first)
    assert offsets.take() is second.message, "and the first one's with it"
    assert offsets.take() is None, "once"

    offsets.done(third)
    assert offsets.take() is third.message


def test_a_partition_that_begins_again_is_followed_back() -> None:
    """Kafka has lost its data: what comes now has lower offsets, and what was read before still counts."""
    offsets = DoneOffsets()
    before, after = offsets.read(message(1000)), offsets.read(message(0))

    offsets.done(after)
    assert offsets.take() is None
    offsets.done(before)

    assert offsets.take() is after.message


@given(st.lists(st.integers(0, 3), max_size=60), st.randoms(use_true_random=False))
def test_no_offset_is_ever_beyond_a_message_that_is_not_done_with(steps: list[int], random: Random) -> None:
    """At each step some are read, one of those that were read before is done with, or an offset is stored."""
    offsets, stored = DoneOffsets(), -1
    order, undone = list[Place](), list[Place]()
    for step in steps:
        if step < 2:
            order.append(offsets.read(message(len(order))))
            undone.append(order[-1])
        elif step == 2 and undone:
            place = undone.pop(random.randrange(len(undone)))
            offsets.done(place)
        else:
            taken = offsets.take()
            if taken is not None:
                number = taken.offset()
                assert number is not None
                assert number > stored, "it never goes back"
                stored = number
            done = [place.is_done for place in order]
            assert stored + 1 == (done.index(False) if False in done else len(done)), "all that may be"
