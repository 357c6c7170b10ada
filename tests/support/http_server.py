"""A small real HTTP server on loopback, which answers as a test says: it can be slow, busy or cut off."""

import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl


class Request(BaseHTTPRequestHandler):
    """Answers with what the test's route writes; `body` is the parsed JSON of a POST or PUT, or a form."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    """Head and body are sent together, when the route has returned or flushes `wfile`."""
    body: Any = None

    def do_GET(self) -> None:
        self._route()

    def do_DELETE(self) -> None:
        self._route()

    def do_PUT(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Type"] == "application/x-www-form-urlencoded":
            self.body = dict(parse_qsl(sent.decode()))
        else:
            self.body = json.loads(sent) if sent else None
        self._route()

    def json(
        self, value: Any, status: int = 200, media_type: str = "application/json", **headers: str
    ) -> None:
        self.bytes(json.dumps(value).encode(), media_type, status, **headers)

    def bytes(self, body: bytes, media_type: str, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def stream(self, *texts: str, cut: bool = False) -> None:
        """Server-sent events; `cut` breaks the connection where the text ends."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for text in texts:
            data = text.encode()
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        if not cut:
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        pass

    def _route(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        server.requests.append(f"{self.command} {self.path}")
        route = server.routes.get(f"{self.command} {self.path.partition('?')[0]}")
        if route is None:
            self.json({"title": "There is nothing at this address", "status": 404}, 404)
        else:
            route(self)


Route = Callable[[Request], None]


class Server(ThreadingHTTPServer):
    """`routes` are keyed by `GET /path`; `requests` are all that came, with their queries."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.routes: dict[str, Route] = {}
        self.requests: list[str] = []

    @property
    def url(self) -> str:
        if isinstance(self.socket, ssl.SSLSocket):
            return f"https://localhost:{self.server_port}"
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def running(server: ThreadingHTTPServer) -> Iterator[None]:
    """Serves requests in a thread until the block ends."""
    with server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Over HTTPS with a context."""
    server = Server()
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    with running(server):
        yield server


def in_turn(*routes: Route) -> Route:
    """The first call is answered by the first route, and so on; the last one answers all that follow."""
    left = list(routes)

    def route(request: Request) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(request)

    return route
