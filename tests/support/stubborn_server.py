"""A server on loopback that takes every connection and never answers as HTTP wants it."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

from tests.support.waiting import PATIENCE

Behaviour = Callable[[socket.socket, Event], None]

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 1000000\r\n\r\n"
_PAUSE = 0.02
"""Seconds between two bytes that drip."""


def silent(_: socket.socket, stopped: Event) -> None:
    """Says nothing."""
    stopped.wait(PATIENCE)


def drips_its_head(connection: socket.socket, stopped: Event) -> None:
    """Each read brings a byte, so that none of them waits for long."""
    _drip(connection, stopped, _HEAD.split(b" ")[0] + b" 200 " + b"O" * 60_000)


def drips_its_body(connection: socket.socket, stopped: Event) -> None:
    connection.sendall(_HEAD)
    _drip(connection, stopped, b" " * 60_000)


def falls_silent(seconds: float) -> Behaviour:
    """Drips its body for so long, and then sends no more."""

    def behave(connection: socket.socket, stopped: Event) -> None:
        connection.sendall(_HEAD)
        _drip(connection, stopped, b" " * round(seconds / _PAUSE))
        stopped.wait(PATIENCE)

    return behave


def _drip(connection: socket.socket, stopped: Event, data: bytes) -> None:
    for byte in data:
        if stopped.wait(_PAUSE):
            return
        connection.sendall(bytes([byte]))


@contextmanager
def stubborn(behaviour: Behaviour) -> Iterator[str]:
    """The address of such a server, which ends with the block."""
    stopped = Event()

    def answer(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65_536)
            behaviour(connection, stopped)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                Thread(target=answer, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        stopped.set()
        listener.shutdown(socket.SHUT_RDWR)
