"""HTTP byte by byte, for what no client library would send."""

import socket
from contextlib import suppress
from http.client import HTTPResponse

import httpx

from tests.support.waiting import PATIENCE


def connect(url: str) -> socket.socket:
    address = httpx.URL(url)
    return socket.create_connection((address.host, address.port), timeout=PATIENCE)


def answer_of(connection: socket.socket) -> httpx.Response:
    """The next response on the connection."""
    response = HTTPResponse(connection)
    response.begin()
    return httpx.Response(response.status, headers=response.getheaders(), content=response.read())


def read_all(connection: socket.socket) -> bytes:
    """Everything until the server ends its side."""
    received = b""
    with suppress(ConnectionResetError):
        while data := connection.recv(65536):
            received += data
    return received
