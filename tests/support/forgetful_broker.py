"""A real broker that, on demand, knows of no broker, as one does that has just started."""

import asyncio
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

_METADATA, _FIND_COORDINATOR = 3, 10
_FLEXIBLE = 9
"""From this version on, the answers to metadata requests are as they are read here."""
_LAST_PLAIN = 2
"""Up to this version, an answer that names the coordinator ends with its port."""


class ForgetfulBroker:
    """Listens on loopback, passes everything on to the broker at `target_port`, and stands for it in whatever
    it tells of the brokers; while it `forgets`, it tells of none.

    with ForgetfulBroker(kafka_port) as broker:
        connect(broker.port)
        broker.forgets = True
    """

    def __init__(self, target_port: int) -> None:
        self.forgets = False
        self.connections = 0
        """How many there have been."""
        self.port = 0
        self._target_port = target_port
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))
        self._ended = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def cut(self) -> None:
        """Ends every connection; new ones go on."""

        def close() -> None:
            for writer in self._writers:
                writer.close()

        self._loop.call_soon_threadsafe(close)

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._ended.wait()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _connected(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        broker, to_broker = await asyncio.open_connection("127.0.0.1", self._target_port)
        self.connections += 1
        self._writers |= {to_client, to_broker}
        asked: dict[bytes, Callable[[bytes], bytes]] = {}

        def note(request: bytes) -> bytes:
            key, version = struct.unpack_from(">hh", request)
            if key == _METADATA:
                assert version >= _FLEXIBLE
                asked[request[4:8]] = self._brokers
            elif key == _FIND_COORDINATOR:
                assert version <= _LAST_PLAIN
                asked[request[4:8]] = self._coordinator
            return request

        def rewrite(answer: bytes) -> bytes:
            rewritten = asked.pop(answer[:4], None)
            return rewritten(answer) if rewritten else answer

        try:
            await asyncio.gather(_pass_on(client, to_broker, note), _pass_on(broker, to_client, rewrite))
        except (asyncio.IncompleteReadError, OSError):
            pass  # one of the two has ended the connection
        finally:
            for writer in (to_client, to_broker):
                self._writers.discard(writer)
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()

    def _coordinator(self, answer: bytes) -> bytes:
        return answer[:-4] + struct.pack(">i", self.port)

    def _brokers(self, answer: bytes) -> bytes:
        """Correlation id, no tags, throttling time; then the brokers: id, host, port, rack, no tags each."""
        count, at = _number(answer, begin := 9)
        told = b"\x01" if self.forgets else answer[begin:at]
        for _ in range(count - 1):
            host = _after_text(answer, at + 4)
            end = _after_text(answer, host + 4) + 1
            if not self.forgets:
                told += answer[at:host] + struct.pack(">i", self.port) + answer[host + 4 : end]
            at = end
        return answer[:begin] + told + answer[at:]


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, change: Callable[[bytes], bytes]
) -> None:
    """Frame by frame. Raises `IncompleteReadError` at the connection's end."""
    while True:
        (size,) = struct.unpack(">i", await reader.readexactly(4))
        frame = change(await reader.readexactly(size))
        writer.write(struct.pack(">i", len(frame)) + frame)
        await writer.drain()


def _number(frame: bytes, at: int) -> tuple[int, int]:
    """Kafka's unsigned varint at this place, and where it ends."""
    value = shift = 0
    while True:
        byte = frame[at]
        value, at, shift = value | (byte & 0x7F) << shift, at + 1, shift + 7
        if not byte & 0x80:
            return value, at


def _after_text(frame: bytes, at: int) -> int:
    """Where a compact string ends that begins here; its length is told as one more, and 0 is null."""
    size, begin = _number(frame, at)
    return begin + max(0, size - 1)
