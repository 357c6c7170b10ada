"""A channel: frames of JSON over a socket pair, each checked by both ends."""

import os
import select
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from waybill.errors import WaybillError

Sent = TypeVar("Sent")
Received = TypeVar("Received")

_LENGTH = struct.Struct(">I")
_MAX_FRAME_BYTES = 16 * 2**20
"""Above any job, whose parameters a request's size bounds, and far above any answer, whose texts are cut."""
_CHUNK = 65536
_MAX_FILES = 3
"""With one message."""


class WrongFrameError(WaybillError):
    """The other end sent something that is not one of its messages."""


class Channel(Generic[Sent, Received]):
    """One end. A frame is its length in four bytes, then the message as JSON; it may bring an open file.

    One thread receives; any thread may send.
    """

    def __init__(
        self,
        connection: socket.socket,
        sends: TypeAdapter[Sent],
        receives: TypeAdapter[Received],
        send_timeout: float | None = None,
        *,
        takes_files: bool = False,
    ) -> None:
        """`send_timeout`: in seconds; for an end that must not wait for the other to read. `takes_files`:
        else the system closes the files that come with a message."""
        connection.settimeout(send_timeout)
        self._connection = connection
        self._takes_files = takes_files
        self._sends = sends
        self._receives = receives
        self._sending = threading.Lock()
        self._buffer = bytearray()
        self._readable = select.poll()
        self._readable.register(connection, select.POLLIN)
        self.received_files: deque[int] = deque()
        """The files that messages have brought, in their order. The receiver closes them."""

    def fileno(self) -> int:
        return self._connection.fileno()

    def send(self, message: Sent, files: Sequence[int] = ()) -> None:
        """Raises `OSError` if the other end is gone, or reads nothing for the time-out."""
        body = self._sends.dump_json(message)
        frame = _LENGTH.pack(len(body)) + body
        with self._sending:
            if files:
                sent = socket.send_fds(self._connection, [frame], list(files))
                frame = frame[sent:]
            self._connection.sendall(frame)

    def receive(self, timeout: float | None = None) -> Received | None:
        """The next message; None after `timeout` seconds, also if only a part of one has come by then.

        Raises `EOFError` or `OSError` if the other end is gone, and `WrongFrameError`.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while (frame := self._next_frame()) is None:
            left = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
            if not self._readable.poll(left):
                return None
            self._read()
        try:
            return self._receives.validate_json(frame)
        except ValidationError as error:
            raise WrongFrameError(f"Not a message: {error.errors()[0]['msg']}.") from None

    def shutdown(self) -> None:
        """Ends the connection in both directions; the file stays open, so that another thread may receive."""
        self._connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._connection.close()

    def _next_frame(self) -> bytes | None:
        if len(self._buffer) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._buffer)
        if length > _MAX_FRAME_BYTES:
            raise WrongFrameError(f"A frame of {length} bytes, more than {_MAX_FRAME_BYTES}.")
        end = _LENGTH.size + length
        if len(self._buffer) < end:
            return None
        frame = bytes(self._buffer[_LENGTH.size : end])
        del self._buffer[:end]
        return frame

    def _read(self) -> None:
        if self._takes_files:
            data, files, *_ = socket.recv_fds(self._connection, _CHUNK, _MAX_FILES)
            for file in files:
                os.set_inheritable(file, False)
            self.received_files.extend(files)
        else:
            data = self._connection.recv(_CHUNK)
        if not data:
            raise EOFError
        self._buffer += data
