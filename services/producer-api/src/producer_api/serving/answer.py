"""An answer on its way out."""

from collections.abc import Iterable
from typing import Any

from gunicorn.http import wsgi


class Answer(wsgi.Response):  # type: ignore[misc] # gunicorn has no types
    """gunicorn's, but that the head leaves together with the body's first bytes, where their number is known:
    one system call and one packet instead of two."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._head = _Head()

    def send(self, body: Iterable[bytes]) -> None:
        """All of it; then `body` is closed. Raises `OSError` where the client is too slow, or has gone."""
        try:
            for item in body:
                self.write(item)
            self.close()
        finally:
            if hasattr(body, "close"):
                body.close()

    def send_headers(self) -> None:
        if self.headers_sent or self._omits_body or not self.response_length:
            super().send_headers()
            return
        self.sock, client = self._head, self.sock
        super().send_headers()
        self.sock = client

    def _emit_body(self, data: bytes) -> None:
        super()._emit_body(self._head.take() + data)

    def close(self) -> None:
        """A body that is shorter than its head says, too."""
        super().close()
        if head := self._head.take():
            self.sock.sendall(head)


class _Head:
    """Takes what is written in place of the client's socket."""

    def __init__(self) -> None:
        self._bytes = b""

    def sendall(self, data: bytes) -> None:
        self._bytes += data

    def take(self) -> bytes:
        taken, self._bytes = self._bytes, b""
        return taken
