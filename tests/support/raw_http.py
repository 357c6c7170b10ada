"""HTTP byte by byte, for what no client library would send."""

import socket
from contextlib import suppress
from http.client import HTTPResponse
from io import BytesIO
from typing import cast

import httpx

from tests.support.waiting import PATIENCE


def connect(url: str) -> socket.socket:
    address = httpx.URL(url)
    return socket.create_connection((address.host, address.port), timeout=PATIENCE)


class Received:
    """A connection on which exactly these bytes came."""

    def __init__(self, data: bytes) -> None:
        self._data = BytesIO(data)

    def recv(self, size: int) -> bytes:
        return self._data.read(size)

    def makefile(self, _mode: str) -> BytesIO:
        return self._data


def answer_of(connection: socket.socket | Received) -> httpx.Response:
    """The next response on the connection."""
    response = HTTPResponse(cast(socket.socket, connection))
    response.begin()
    return httpx.Response(response.status, headers=response.getheaders(), content=response.read())


def read_all(connection: socket.socket) -> bytes:
    """Everything until the server ends its side."""
    received = b""
    with suppress(ConnectionResetError):
        while data := connection.recv(65536):
            received += data
    return received
