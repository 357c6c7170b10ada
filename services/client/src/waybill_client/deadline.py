"""A time limit for an answer as a whole, where httpx has one for each read alone."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread

import httpx

LEAST_PROGRESS = 64 * 1024
"""Bytes of a file that must come within each time limit."""


@dataclass(frozen=True)
class Deadline:
    """`seconds` are the limit, `at` is its end on the monotonic clock."""

    seconds: float
    at: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        return cls(seconds, time.monotonic() + seconds)

    @property
    def left(self) -> float:
        return max(0.0, self.at - time.monotonic())

    def send(self, send: Callable[[], httpx.Response]) -> httpx.Response:
        """What `send` answers. In a thread of its own, since the head of an answer may drip in byte by byte;
        one that comes too late is closed. Raises `httpx.ReadTimeout`, or what `send` raises."""
        outcome: SimpleQueue[httpx.Response | BaseException] = SimpleQueue()
        in_time: SimpleQueue[bool] = SimpleQueue()

        def run() -> None:
            try:
                answer = send()
            except BaseException as error:  # raised again by the caller
                outcome.put(error)
                return
            outcome.put(answer)
            if not in_time.get():
                answer.close()

        Thread(target=run, name="send", daemon=True).start()
        try:
            answer = outcome.get(timeout=self.left)
        except BaseException as error:
            in_time.put(False)
            if isinstance(error, Empty):
                raise httpx.ReadTimeout("no answer in time") from None
            raise
        in_time.put(True)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def chunks(self, response: httpx.Response) -> Iterator[bytes]:
        """The body, which is short. Raises `httpx.ReadTimeout`."""
        with _reads_within(response, lambda: self.left):
            yield from response.iter_bytes()

    def chunks_of_file(self, response: httpx.Response) -> Iterator[bytes]:
        """The body, however long: the limit begins again with every `LEAST_PROGRESS` bytes."""
        deadline, received = self, 0
        with _reads_within(response, lambda: deadline.left):
            for chunk in response.iter_bytes():
                yield chunk
                received += len(chunk)
                if received >= LEAST_PROGRESS:
                    deadline, received = Deadline.after(self.seconds), 0

    def live(self, response: httpx.Response) -> httpx.Response:
        """The same response, whose body may be read for ever, as long as whole lines come; else it raises
        `httpx.ReadTimeout`."""
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=_Lines(response, self),
            request=response.request,
        )


class _Lines(httpx.SyncByteStream):
    """The bytes of a response; the first line must end by the deadline, and each other one as long after the
    one before."""

    def __init__(self, response: httpx.Response, deadline: Deadline) -> None:
        self._response = response
        self._deadline = deadline

    def __iter__(self) -> Iterator[bytes]:
        deadline = self._deadline
        with _reads_within(self._response, lambda: deadline.left):
            for chunk in self._response.iter_raw():
                yield chunk
                if b"\n" in chunk:
                    deadline = Deadline.after(deadline.seconds)

    def close(self) -> None:
        self._response.close()


@contextmanager
def _reads_within(response: httpx.Response, left: Callable[[], float]) -> Iterator[None]:
    """Meanwhile each read from the network waits for the seconds `left` at most; then it raises
    `httpx.ReadTimeout`.

    httpx has one limit for all reads of a body, fixed when it begins: a server that sends nearly until the
    deadline and is silent then would get that limit once more.
    """
    if response.is_closed:  # the body is here, and the connection may serve another request
        yield
        return
    stream = response.extensions["network_stream"]

    def read(max_bytes: int, timeout: float | None = None) -> bytes:
        if not response.is_closed:
            timeout = left()
            if not timeout:
                raise httpx.ReadTimeout("no whole answer in time")
        return bytes(type(stream).read(stream, max_bytes, timeout))

    stream.read = read
    try:
        yield
    finally:
        if vars(stream).get("read") is read:
            del stream.read
