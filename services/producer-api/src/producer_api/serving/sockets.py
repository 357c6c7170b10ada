"""The connection to a client, with a deadline for what is written to it."""

import errno
import fcntl
import math
import select
import socket
import struct
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

from producer_api.policies import SHORT_ANSWER_BYTES

_PIECE = 64 * 1024
_BUFFER = 4 * SHORT_ANSWER_BYTES
"""The kernel gives what net.core.wmem_max allows, and uses up to two thirds of it for its own."""
_SO_NWRITE = 0x1024
"""<sys/socket.h> of macOS, where a socket has no TIOCOUTQ."""
_GONE = getattr(select, "POLLRDHUP", 0) | select.POLLHUP | select.POLLERR


class ClientSocket(socket.socket):
    """Never blocks, but in `sendall`: for `patience` at most, for each 64 KiB; a client that is slower is cut
    off."""

    patience: timedelta

    @classmethod
    def of(cls, accepted: socket.socket, patience: timedelta) -> "ClientSocket":
        """Takes over the connection that was accepted."""
        taken = cls(accepted.family, accepted.type, accepted.proto, accepted.detach())
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        taken.settimeout(0)
        taken.patience = patience
        return taken

    @property
    def unread(self) -> int:
        """Of what was written, the bytes that have not got to the client's machine, since it has no room for
        them or they are on their way."""
        if sys.platform == "darwin":
            return self.getsockopt(socket.SOL_SOCKET, _SO_NWRITE)
        (size,) = struct.unpack("i", fcntl.ioctl(self, termios.TIOCOUTQ, bytes(4)))
        return int(size)

    def time_for(self, size: int) -> float:
        """Seconds in which a client must read `size` bytes."""
        return self.patience.total_seconds() * max(1, math.ceil(size / _PIECE))

    def setblocking(self, flag: bool, /) -> None:
        """gunicorn switches it for each request, by a system call: it stays as it is."""

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Raises `ConnectionResetError` for a client that does not read."""
        for piece in _pieces(data):
            self._send_piece(piece, flags)

    def _send_piece(self, piece: memoryview, flags: int) -> None:
        """As a rule the buffer takes it at once; only else is it waited for."""
        deadline = None
        while True:
            with suppress(BlockingIOError):
                piece = piece[self.send(piece, flags) :]
            if not piece:
                return
            now = time.monotonic()
            deadline = deadline or now + self.patience.total_seconds()
            if not self._is_ready(select.POLLOUT, deadline - now):
                raise ConnectionResetError(errno.ECONNRESET, "the client reads too slowly")

    def has_data(self, seconds: float) -> bool:
        """Waits until something has come, or the client has gone, or the time is over."""
        return self._is_ready(select.POLLIN, seconds)

    def _is_ready(self, event: int, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self, event)
        return seconds > 0 and bool(poll.poll(1000 * seconds))


def is_gone(connection: socket.socket) -> bool:
    """Whether the client has closed its end; does not block. Bytes that it sent before do not matter."""
    poll = select.poll()
    try:
        poll.register(connection, _GONE)
    except (OSError, ValueError):  # closed on our side
        return True
    return bool(poll.poll(0))


def _pieces(data: Any) -> Iterator[memoryview]:
    view = memoryview(data).cast("B")
    for start in range(0, len(view), _PIECE):
        yield view[start : start + _PIECE]
