"""A TCP proxy that breaks what passes through it, on demand.

It runs in a thread of its own with its own event loop; any thread may change its mode.
"""

import asyncio
import contextlib
import re
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Self

_CHUNK = 256 * 1024
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, for 0 s, which makes close() send RST


class Mode(StrEnum):
    """What happens to connections."""

    PASS = "pass"
    REFUSE = "refuse"
    """New ones are reset at once; those that are open go on."""
    HALF_OPEN = "half-open"
    """New ones are accepted; what is sent on any is swallowed, and nothing is answered. A connection that has
    lost something stays so: it can never be whole again."""


@dataclass(eq=False)
class _Connection:
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter | None = None
    deaf: bool = False

    def reset(self) -> None:
        for writer in (self.client, self.server):
            if writer is not None:
                _reset(writer)


@dataclass(eq=False)
class _Trap:
    """Cuts everything when a client sends `marker`, which is passed on before (`forward`) or not."""

    marker: bytes
    forward: bool
    tags: re.Pattern[bytes] | None
    armed: set[_Connection] = field(default_factory=set)
    sprung: threading.Event = field(default_factory=threading.Event)
    cut: int = 0

    def hear(self, connection: _Connection, chunk: bytes) -> None:
        """What the server has said last decides whether the connection is one to cut at."""
        for tag in self.tags.finditer(chunk) if self.tags else ():
            (self.armed.add if tag[1] else self.armed.discard)(connection)

    def takes(self, connection: _Connection, chunk: bytes) -> bool:
        return self.marker in chunk and (self.tags is None or connection in self.armed)


class Proxy:
    """Listens on loopback and passes on to `target_port` there.

    with Proxy(database_port) as proxy:
        connect(proxy.port)
        proxy.cut()
    """

    def __init__(self, target_port: int, port: int = 0) -> None:
        """With `port` 0 the system chooses one."""
        self._target_port = target_port
        self._mode = Mode.PASS
        self._delay = 0.0
        self._trap: _Trap | None = None
        self.delayed = 0
        """How many chunks were passed on later."""
        self.swallowed = 0
        """How many chunks were."""
        self.refused = 0
        """How many connections were."""
        self.answered = 0
        """How many bytes the server has sent."""
        self.heard = 0
        """How often the server has said what `listen_for` is for."""
        self._word: bytes | None = None
        self._connections: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._socket = socket.create_server(("127.0.0.1", port), backlog=512)
        self.port: int = self._socket.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), name="proxy", daemon=True)
        self._thread.start()
        started.wait()

    # --- what other threads call

    def pass_on(self) -> None:
        """As if the proxy were not there; but deaf connections stay so until their clients notice."""
        self._call(self._change, Mode.PASS, 0.0)

    def refuse(self) -> None:
        """Resets new connections."""
        self._call(self._change, Mode.REFUSE, 0.0)

    def half_open(self) -> None:
        """Swallows whatever is sent, on old connections and new ones, and answers nothing."""
        self._call(self._change, Mode.HALF_OPEN, 0.0)

    def delay(self, milliseconds: float) -> None:
        """Passes on, each way so much later."""
        self._call(self._change, Mode.PASS, milliseconds / 1000)

    def cut(self) -> int:
        """Resets (RST) every open connection, both ways; new ones go on as the mode says. How many."""
        return self._call(self._cut)

    def cut_at(
        self, marker: bytes, *, forward: bool, seconds: float, tags: re.Pattern[bytes] | None = None
    ) -> int:
        """Cuts at the instant at which a client sends `marker`; the server gets it, or does not. With `tags`,
        only where the last of them that the server has said on that connection has a group 1. How many
        connections were reset: 0 if nobody sent it within the time."""
        trap = _Trap(marker, forward, tags)
        self._call(self._set_trap, trap)
        trap.sprung.wait(seconds)
        self._call(self._set_trap, None)
        return trap.cut

    def listen_for(self, word: bytes) -> None:
        """From now on `heard` counts it."""
        self._call(self._listen_for, word)

    def close(self) -> None:
        """Resets what is open, and ends."""
        if not self._loop.is_closed():
            self._call(self._cut)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- in the loop's thread

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._server = self._loop.run_until_complete(asyncio.start_server(self._accept, sock=self._socket))
        started.set()
        try:
            self._loop.run_forever()
        finally:
            self._server.close()
            for task in list(self._tasks):
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*self._tasks, return_exceptions=True))
            self._loop.close()

    def _call(self, function: Callable[..., int], *arguments: object) -> int:
        """Runs it in the loop's thread and waits for it, so that a change holds when the call returns."""

        async def run() -> int:
            return function(*arguments)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(10)

    def _change(self, mode: Mode, delay: float) -> int:
        self._mode, self._delay = mode, delay
        return len(self._connections)

    def _set_trap(self, trap: _Trap | None) -> int:
        self._trap = trap
        return len(self._connections)

    def _listen_for(self, word: bytes) -> int:
        self._word = word
        return self.heard

    def _cut(self) -> int:
        connections = list(self._connections)
        for connection in connections:
            connection.reset()
        return len(connections)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if self._mode is Mode.REFUSE:
            self.refused += 1
            _reset(writer)
            return
        connection = _Connection(writer)
        self._connections.add(connection)
        try:
            await self._serve(connection, reader)
        except (OSError, asyncio.CancelledError):
            pass  # either side has gone, or the proxy closes
        finally:
            self._connections.discard(connection)
            connection.reset()

    async def _serve(self, connection: _Connection, reader: asyncio.StreamReader) -> None:
        if self._mode is Mode.HALF_OPEN:
            await self._swallow(connection, reader)
            return
        server_reader, connection.server = await asyncio.open_connection("127.0.0.1", self._target_port)
        ways = (
            self._pump(connection, reader, connection.server),
            self._pump(connection, server_reader, connection.client),
        )
        await asyncio.gather(*ways)

    async def _pump(
        self, connection: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """One way of a connection, until its sender closes it. Each chunk is late by the delay, in order."""
        to_server = writer is connection.server
        while chunk := await reader.read(_CHUNK):
            if self._mode is Mode.HALF_OPEN or connection.deaf:
                self.swallowed += 1
                await self._swallow(connection, reader)
                if to_server:
                    connection.reset()  # the client has noticed
                return
            if self._delay:
                await asyncio.sleep(self._delay)
                self.delayed += 1
            if not to_server:
                self.answered += len(chunk)
            if self._word and not to_server:
                self.heard += chunk.count(self._word)
            if self._trap and not to_server:
                self._trap.hear(connection, chunk)
            trap = self._trap if to_server and self._trap and self._trap.takes(connection, chunk) else None
            if trap is None or trap.forward:
                writer.write(chunk)
                await writer.drain()
            if trap:
                self._spring(trap)
        with contextlib.suppress(OSError, RuntimeError):
            writer.write_eof()

    def _spring(self, trap: _Trap) -> None:
        self._trap = None
        trap.cut = self._cut()
        trap.sprung.set()

    async def _swallow(self, connection: _Connection, reader: asyncio.StreamReader) -> None:
        """Reads on until the sender closes."""
        connection.deaf = True
        while await reader.read(_CHUNK):
            self.swallowed += 1


def _reset(writer: asyncio.StreamWriter) -> None:
    stream: socket.socket | None = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        if stream is not None:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
