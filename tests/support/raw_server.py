"""A small real HTTP server on loopback that takes any body and answers with the statuses a test sets."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.http_server import running


class RawServer(ThreadingHTTPServer):
    """`received` is every POST: its path and its body."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[tuple[str, bytes]] = []
        self.statuses: list[int] = []
        """The answers to the next requests; 200 after the last."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def bodies(self) -> list[bytes]:
        return [body for _, body in self.received]


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, RawServer)
        server.received.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(server.statuses.pop(0) if server.statuses else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        pass


@contextmanager
def raw_serving() -> Iterator[RawServer]:
    server = RawServer()
    with running(server):
        yield server
