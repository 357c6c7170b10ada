"""The connection to a client, with a deadline for what is written to it."""

import errno
import fcntl
import math
import select
import socket
import ssl
import struct
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any, cast

from producer_api.policies import SHORT_ANSWER_BYTES

_PIECE = 64 * 1024
_BUFFER = 4 * SHORT_ANSWER_BYTES
"""The kernel gives what net.core.wmem_max allows, and uses up to two thirds of it for its own."""
_SO_NWRITE = 0x1024
"""<sys/socket.h> of macOS, where a socket has no TIOCOUTQ."""
HTTP_INSTEAD = "HTTP_REQUEST"
"""The rule that a client breaks which begins a request without TLS."""
_GONE = getattr(select, "POLLRDHUP", 0) | select.POLLHUP | select.POLLERR


class ClientSocket(socket.socket):
    """Never blocks, but in `sendall`: for `patience` at most, for each 64 KiB; a client that is slower is cut
    off."""

    patience: timedelta
    beginning = b""
    """Of its last request, to know who asks where it is refused."""

    @classmethod
    def of(cls, accepted: socket.socket, patience: timedelta) -> "ClientSocket":
        """Takes over the connection that was accepted."""
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        taken = cls(accepted.family, accepted.type, accepted.proto, accepted.detach())
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

    def sendall(self, data: Any, flags: int = 0) -> None:
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


class TlsClientSocket(ClientSocket, ssl.SSLSocket):
    """The same over TLS, after the handshake. To those that use it, TLS is not to be seen: where a part of a
    record is there it has nothing to read (`BlockingIOError`), and a client that breaks the protocol has
    gone (`ConnectionResetError`).

    OpenSSL reads no further than the record that is asked for, so that `poll` tells of the next one.
    """

    @classmethod
    def over(cls, accepted: socket.socket, patience: timedelta, context: ssl.SSLContext) -> "TlsClientSocket":
        """Takes over the connection that was accepted. Raises `OSError` where it is closed already."""
        with accepted:  # which closes it in that case alone: else it is detached
            accepted.getpeername()
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
            accepted.settimeout(0)
            context.sslsocket_class = cls
            wrapped = context.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False)
        taken = cast("TlsClientSocket", wrapped)
        taken.patience = patience
        return taken

    def has_shaken_hands(self) -> bool:
        """Goes on with the handshake as far as the client has sent its part; whether it is complete. Raises
        `OSError`. Our part always fits the buffer, which is empty."""
        try:
            self.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        try:
            return super().recv(buflen, flags)
        except ssl.SSLWantReadError:
            raise BlockingIOError(errno.EAGAIN, "not all of a record is there") from None
        except ssl.SSLError as error:
            raise _reset(error) from error

    def send(self, data: Any, flags: int = 0) -> int:
        """Part of a record may be sent already where it raises `BlockingIOError`: the same `data` is next."""
        try:
            return super().send(data, flags)
        except ssl.SSLWantWriteError:
            raise BlockingIOError(errno.EAGAIN, "the buffer is full") from None
        except ssl.SSLError as error:
            raise _reset(error) from error

    def send_in_plain_text(self, data: bytes) -> None:
        """To a client that has sent no TLS."""
        socket.socket.send(self, data)

    def shutdown(self, how: int) -> None:
        """Tells the client before that nothing was cut off. What it sends then is not read as TLS."""
        self._say_the_end()
        super().shutdown(how)

    def close(self) -> None:
        self._say_the_end()
        super().close()

    def _say_the_end(self) -> None:
        with suppress(OSError, ValueError):  # before the handshake, or when the client has gone
            self.unwrap()


def broken_rule(error: OSError) -> str:
    """Why a handshake has failed, in OpenSSL's words; empty where the client has only gone, as some probes
    do."""
    if not isinstance(error, ssl.SSLError) or isinstance(error, ssl.SSLEOFError):
        return ""
    return error.reason or "unknown"


def _reset(error: ssl.SSLError) -> ConnectionResetError:
    return ConnectionResetError(errno.ECONNRESET, f"TLS: {error.reason or 'cut off'}")


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
