"""Output: the worker's end of the pipes to which the jobs of a slot's process print."""

import fcntl
import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Protocol

from report_worker.slots.capture import STREAMS

_PIPE_BYTES = 256 * 1024
"""More than the system's 64 KiB: a job that prints much waits less. Where it allows that."""
_SETTLE_BYTES = 4 * _PIPE_BYTES
"""Read of each pipe at the end of a job: more than was in it, also where something goes on to write."""


class Sink(Protocol):
    """Where the bytes of one job go, in their order."""

    def feed(self, stream: str, data: bytes, at: float) -> None:
        """`at`: when they were read, in seconds since 1970."""

    def fed(self) -> None:
        """Each stream has been read once."""

    def end(self, at: float) -> None:
        """No more come."""


class Output:
    """Of one process. Threads may share it: one reads all the time, and that which runs a job attaches its
    sink. What comes while no sink is attached is of no job, and is dropped."""

    def __init__(self, closed: Callable[["Output"], None] = lambda _: None) -> None:
        """`closed` is called at the end. Raises `OSError` where there are too many files."""
        self.token = secrets.token_hex(8)
        self._closed = closed
        self._lock = threading.Lock()
        self._sink: Sink | None = None
        pipes: list[tuple[int, int]] = []
        try:
            for _ in STREAMS:
                pipes.append(os.pipe())
                _prepare(pipes[-1][0])
        except OSError:
            for pipe in pipes:
                _close(*pipe)
            raise
        self._reads: dict[str, int] = {stream: read for stream, (read, _) in zip(STREAMS, pipes, strict=True)}
        self.written = [write for _, write in pipes]
        """The ends for the slot's process."""

    @property
    def reads(self) -> Mapping[str, int]:
        """The files of those streams that have not ended, by which a thread can wait for them."""
        with self._lock:
            return dict(self._reads)

    def forked(self) -> None:
        """The slot's process has its ends, or there is none."""
        written, self.written = self.written, []
        _close(*written)

    def attach(self, sink: Sink) -> None:
        """What comes from now on is of this job."""
        with self._lock:
            self._sink = None
            self._read_all()
            self._sink = sink

    def detach(self) -> None:
        """The job has ended: what it has printed is with its sink when this returns."""
        with self._lock:
            self._read_all()
            self._end_sink()

    def read(self) -> int:
        """Passes on what there is, a bounded part of it; the most bytes that one of the streams had."""
        with self._lock:
            at = time.time()
            most = max((self._read(stream, at) for stream in list(self._reads)), default=0)
            if self._sink is not None:
                self._sink.fed()
            return most

    def close(self) -> None:
        """The process has ended, or nothing that it still prints counts."""
        self.forked()
        with self._lock:
            self._read_all()
            self._end_sink()
            reads, self._reads = self._reads, {}
            _close(*reads.values())
        self._closed(self)

    # --- with the lock

    def _end_sink(self) -> None:
        if self._sink is not None:
            self._sink.end(time.time())
        self._sink = None

    def _read_all(self) -> None:
        at = time.time()
        for stream in list(self._reads):
            left = _SETTLE_BYTES
            while left > 0 and (read := self._read(stream, at)):
                left -= read

    def _read(self, stream: str, at: float) -> int:
        try:
            data = os.read(self._reads[stream], _PIPE_BYTES)
        except BlockingIOError:
            return 0
        if not data:  # every process that had it has ended
            os.close(self._reads.pop(stream))
            return 0
        if self._sink is not None:
            self._sink.feed(stream, data, at)
        return len(data)


def _prepare(file: int) -> None:
    os.set_blocking(file, False)
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with suppress(OSError):  # this user has too much in pipes
            fcntl.fcntl(file, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _close(*files: int) -> None:
    for file in files:
        os.close(file)
