"""Calls in threads of their own, which hold up no exit of the process."""

import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

Result = TypeVar("Result")


def in_background(call: Callable[[], Result]) -> Future[Result]:
    """Returns at once; unlike an executor's, the thread may be left behind with a call that never returns.
    One whose call has returned is used again. Raises `RuntimeError` where there are no more threads."""
    future: Future[Result] = Future()
    try:
        thread = _idle.pop()
    except IndexError:
        thread = _Thread()
    thread.calls.put((call, future))
    return future


class _Thread:
    def __init__(self) -> None:
        self.calls: SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = SimpleQueue()
        threading.Thread(target=self._run, name="in-background", daemon=True).start()

    def _run(self) -> None:
        while True:
            self._answer(*self.calls.get())

    def _answer(self, call: Callable[[], Any], future: Future[Any]) -> None:
        try:
            result = call()
        except BaseException as error:
            _idle.append(self)
            future.set_exception(error)
        else:
            _idle.append(self)  # first, so that a caller that waits finds it
            future.set_result(result)


_idle: deque[_Thread] = deque()
os.register_at_fork(after_in_child=_idle.clear)
