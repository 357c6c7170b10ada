"""SIGINT, SIGTERM and SIGHUP as an exception, raised once: what follows it can clean up undisturbed."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interruption(BaseException):
    """One of the signals came. Not an Exception: nothing that handles errors should take it for one."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


@contextmanager
def as_exception() -> Iterator[None]:
    """Within the block the first signal raises Interruption in the main thread; later ones do nothing."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def raise_once(number: int, _frame: FrameType | None) -> None:
        for one in numbers:
            signal.signal(one, signal.SIG_IGN)
        raise Interruption(number)

    former = {number: signal.signal(number, raise_once) for number in numbers}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
