"""Waiting for what happens elsewhere."""

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Result = TypeVar("Result")

PATIENCE = 120.0
"""Seconds. Far more than anything takes, for machines that do other work too; only failures are slow."""


def eventually(look: Callable[[], Result | None], what: str, seconds: float = PATIENCE) -> Result:
    """The first true answer of `look`; fails, saying `what` did not happen, after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"After {seconds:g} s still not: {what}. The last look gave {found!r}.")
        time.sleep(0.05)
    return found


def ends(action: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Fails where `action` raises, or has not ended after `seconds`: it runs in a process of its own, since
    nothing else ends a computation."""
    process = multiprocessing.get_context("fork").Process(target=action)
    process.start()
    process.join(seconds)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise AssertionError(f"After {seconds:g} s it still runs.")
    assert process.exitcode == 0, "it failed: its standard error has the reason"


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fails where the block takes longer."""
    began = time.monotonic()
    yield
    took = time.monotonic() - began
    assert took < seconds, f"took {took:.1f} s, not less than {seconds:g} s"
