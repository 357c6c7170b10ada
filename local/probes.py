"""How to see from outside that a part is ready: by asking it, with nothing but the standard library."""

import http.client
import socket
import struct
import urllib.request
from urllib.parse import SplitResult, urlsplit

_SECONDS = 2
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback needs no proxy


def answers(url: str) -> bool:
    """Whether the part behind a URL with the scheme `http`, `kafka` or `postgresql` serves requests now."""
    parts = urlsplit(url)
    ask = {"http": _http_answers, "kafka": _kafka_answers, "postgresql": _postgres_answers}[parts.scheme]
    try:
        return ask(parts)
    except (OSError, http.client.HTTPException):
        return False


def has_pages(url: str) -> bool:
    """Whether the Jaeger at `url` has web pages; built from its Go module alone, it has a placeholder."""
    try:
        with _OPENER.open(url, timeout=_SECONDS) as answer:
            return b"not compiled with the UI assets" not in answer.read()
    except (OSError, http.client.HTTPException):
        return True  # it does not answer now


def _http_answers(url: SplitResult) -> bool:
    """A GET is answered with 200."""
    with _OPENER.open(url.geturl(), timeout=_SECONDS) as answer:
        return bool(answer.status == http.client.OK)


def _kafka_answers(url: SplitResult) -> bool:
    """The broker answers ApiVersions (key 18, version 0): it listens earlier than it handles requests."""
    request = struct.pack(">hhih", 18, 0, 1, -1)  # key, version, correlation id, no client id
    with socket.create_connection((url.hostname, url.port), timeout=_SECONDS) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        return len(connection.recv(8)) > 0


def _postgres_answers(url: SplitResult) -> bool:
    """The server asks for a password; while it starts or recovers it answers with an error instead."""
    names = f"user\0{url.username}\0database\0{url.path.strip('/')}\0\0".encode()
    with socket.create_connection((url.hostname, url.port), timeout=_SECONDS) as connection:
        connection.sendall(struct.pack(">ii", len(names) + 8, 196608) + names)  # length, protocol 3.0
        return connection.recv(1) == b"R"
