"""A small real receiver of webhooks on loopback, which answers as a test says, and keeps what it got."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook

from tests.support.http_server import running

SECRET = "whsec_" + "c2VjcmV0IG9mIHRoZSB0ZXN0cyB3ZWJob29rcw=="
OTHER_SECRET = "whsec_" + "YW5vdGhlciBzZWNyZXQgb2YgdGhlIHRlc3RzLi4="


@dataclass(frozen=True)
class Call:
    """One POST: `headers` by their names in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def verified(self, secret: str = SECRET) -> dict[str, Any]:
        """The payload, as a receiver that knows the secret reads it. Raises where it is not signed so."""
        read: dict[str, Any] = Webhook(secret).verify(self.body, self.headers)
        return read


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        receiver = self.server
        assert isinstance(receiver, Receiver)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        receiver.calls.append(Call(self.path, headers, body))
        receiver.answer(self)

    def status(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        pass


Answer = Callable[[_Handler], None]


class Receiver(ThreadingHTTPServer):
    """`answer` answers each call: with 200 unless a test says otherwise."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.calls: list[Call] = []
        self.answer: Answer = lambda handler: handler.status(200)
        self.leave = threading.Event()
        """Set when the test is over: for those that hang until then."""

    @property
    def host(self) -> str:
        """As an allow-list has it."""
        if isinstance(self.socket, ssl.SSLSocket):
            return f"localhost:{self.server_port}"
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def url(self) -> str:
        return f"{self.host}/hook" if self.host.startswith("http") else f"https://{self.host}/hook"

    def always(self, status: int, **headers: str) -> None:
        self.answer = lambda handler: handler.status(status, **headers)

    def hang(self) -> None:
        """It reads the call and says nothing."""

        def wait(_: _Handler) -> None:
            self.leave.wait(60)

        self.answer = wait

    def handle_error(self, *_: object) -> None:
        """A caller that has left."""


@contextmanager
def receiving(tls: ssl.SSLContext | None = None, port: int = 0) -> Iterator[Receiver]:
    receiver = Receiver(port)
    if tls is not None:
        receiver.socket = tls.wrap_socket(receiver.socket, server_side=True)
    with running(receiver):
        try:
            yield receiver
        finally:
            receiver.leave.set()


def free_port() -> int:
    """Of loopback; another process may take it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
