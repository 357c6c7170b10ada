"""A call in a thread of its own, which holds up no exit of the process."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

Result = TypeVar("Result")


def in_background(call: Callable[[], Result]) -> Future[Result]:
    """Returns at once; unlike an executor's, the thread may be left behind with a call that never returns."""
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name="in-background", daemon=True).start()
    return future
