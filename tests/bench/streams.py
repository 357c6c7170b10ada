"""Status streams of the API, many at once in one thread: when each event reaches its client."""

import asyncio
import json
import math
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from tests.bench.clients import REPORTS
from tests.bench.errors import CannotMeasure

_OPEN_SECONDS = 60.0
_AT_ONCE = 20
"""How many are opened at the same time: beyond the backlog of a listener clients would be refused."""
_LINE_LIMIT = 2**20
Item = TypeVar("Item")


@dataclass(frozen=True)
class Event:
    """Times in seconds since 1970: of the change in the database, and of the event at the client."""

    version: int
    changed: float
    received: float


def read_event(line: bytes, received: float) -> Event | None:
    """Of a line of the stream; None if it is no event's data."""
    if not line.startswith(b"data:"):
        return None
    data = json.loads(line[len(b"data:") :])
    return Event(data["version"], datetime.fromisoformat(data["at"]).timestamp(), received)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


class Streams:
    """Clients of status streams. `opened` is the only way to one."""

    def __init__(self, loop: asyncio.AbstractEventLoop, url: str) -> None:
        self._loop = loop
        self._address = urlsplit(url)
        self._writers: list[asyncio.StreamWriter] = []
        self._readers: list[asyncio.Task[None]] = []
        self.events: list[list[Event]] = []
        """Of each stream, in the order in which they were opened."""

    def open(self, report_ids: Sequence[str]) -> None:
        """A stream for each; returns when the API has begun to answer all."""
        self._run(self._open_all(report_ids))

    def wait_until_ended(self, number: int, seconds: float) -> None:
        """Until `number` streams were ended by the API, as with their reports."""
        deadline = time.monotonic() + seconds
        while sum(reader.done() for reader in self._readers) < number:
            if time.monotonic() > deadline:
                raise CannotMeasure(f"fewer than {number} streams have ended after {seconds:g} s")
            time.sleep(0.05)

    def close(self) -> None:
        self._run(self._close_all())

    def _run(self, work: Coroutine[Any, Any, Item]) -> Item:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(2 * _OPEN_SECONDS)

    async def _open_all(self, report_ids: Sequence[str]) -> None:
        for first in range(0, len(report_ids), _AT_ONCE):
            await asyncio.gather(*(self._open(one) for one in report_ids[first : first + _AT_ONCE]))

    async def _open(self, report_id: str) -> None:
        reader, writer = await asyncio.open_connection(
            self._address.hostname, self._address.port, limit=_LINE_LIMIT
        )
        self._writers.append(writer)
        request = f"GET {REPORTS}/{report_id}/events HTTP/1.1\r\nHost: {self._address.netloc}\r\n\r\n"
        writer.write(request.encode())
        status = await asyncio.wait_for(reader.readline(), _OPEN_SECONDS)
        if b" 200 " not in status:
            raise CannotMeasure(f"a status stream was answered: {status.decode().strip()}")
        events = list[Event]()
        self.events.append(events)
        self._readers.append(asyncio.create_task(self._read(reader, events.append)))

    @staticmethod
    async def _read(reader: asyncio.StreamReader, keep: Callable[[Event], None]) -> None:
        while line := await reader.readline():
            if line.strip() == b"0":  # the last chunk; the connection stays open
                return
            event = read_event(line, time.time())
            if event:
                keep(event)

    async def _close_all(self) -> None:
        for reader in self._readers:
            reader.cancel()
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*self._readers, return_exceptions=True)


@contextmanager
def opened(url: str) -> Iterator[Streams]:
    """Streams that are read in a thread until the end of the block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="streams", daemon=True)
    thread.start()
    streams = Streams(loop, url)
    try:
        yield streams
    finally:
        streams.close()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
