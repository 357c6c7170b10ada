"""Places for long answers, so that threads stay free for short ones."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from apiflask import APIFlask
from flask import Response, request

from producer_api.policies import SHORT_ANSWER_BYTES
from producer_api.problems import Problem


class Places:
    """At most `limit` at once in this process; each is one thread's time for as long as it is taken."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken = 0
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Whether there was one; then `release` it once."""
        with self._lock:
            if self._taken >= self._limit:
                return False
            self._taken += 1
            return True

    def release(self) -> None:
        with self._lock:
            self._taken -= 1

    @contextmanager
    def held(self) -> Iterator[None]:
        """One while the block runs. Raises `Problem` where there is none."""
        if not self.take():
            raise no_place()
        try:
            yield
        finally:
            self.release()


def register(app: APIFlask, places: Places) -> None:
    """Gives a place to each answer of `app` that is not short. Streamed ones see to theirs themselves."""

    @app.after_request
    def take_place(response: Response) -> Response:
        if response.is_streamed or request.method == "HEAD":
            return response
        if (response.content_length or 0) <= SHORT_ANSWER_BYTES:
            return response
        if not places.take():
            return no_place().response()
        response.call_on_close(places.release)
        return response


def no_place() -> Problem:
    return Problem(
        "unavailable", "Too many downloads and streams are open: try again.", headers={"Retry-After": "2"}
    )
