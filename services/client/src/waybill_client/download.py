"""Gets a file of the API: from the API itself, or from the object store to which it sends its clients."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

import httpx

from waybill_client.deadline import LEAST_PROGRESS, Deadline
from waybill_client.errors import ArtefactError, ProblemError, UnexpectedAnswerError
from waybill_client.http import Server

STORE = "the artefact store"
"""Its name in sentences."""

_PARTIAL = 206
_MOST_REDIRECTS = 3
_MOST_FAILURES = 5
"""Connections one after the other that broke before they brought much."""
_PAUSE_SECONDS = 0.2


class Download:
    """One file. `size` is what is announced: more is not read."""

    def __init__(self, server: Server, path: str, size: int) -> None:
        self._server = server
        self._path = path
        self._size = size
        self._received = 0
        self._tag: str | None = None
        self._open = ExitStack()

    def chunks(self) -> Iterator[bytes]:
        """The file from its beginning to its end. What breaks off goes on where it broke, in the same file,
        as long as that brings more. Raises what `Server.open` raises, or `ArtefactError`."""
        failures = 0
        with self._open:
            while True:
                began, deadline = self._received, self._server.deadline()
                server, response = self._ask(deadline)
                try:
                    with closing(response):
                        yield from self._missing(response, deadline)
                except httpx.TransportError as error:
                    failures = 0 if self._received - began >= LEAST_PROGRESS else failures + 1
                    if isinstance(error, httpx.TimeoutException) or failures == _MOST_FAILURES:
                        raise server.unreachable(error, deadline) from error
                else:
                    return
                time.sleep(_PAUSE_SECONDS)

    def _missing(self, response: httpx.Response, deadline: Deadline) -> Iterator[bytes]:
        """What is not here yet. A server may answer with the whole file again."""
        skipped = 0 if response.status_code == _PARTIAL else self._received
        self._tag = _strong_tag(response)
        for chunk in deadline.chunks_of_file(response):
            new = chunk[skipped:]
            skipped -= len(chunk) - len(new)
            if new:
                self._received += len(new)
                yield new
            if self._received > self._size:
                return

    def _ask(self, deadline: Deadline) -> tuple[Server, httpx.Response]:
        """Of the API alone with its credential. Each time, since an address of the store holds for a short
        time only."""
        headers = {"Accept-Encoding": "identity"}
        if self._received and self._tag:
            headers |= {"Range": f"bytes={self._received}-", "If-Range": self._tag}
        server, path = self._server, self._path
        for _ in range(_MOST_REDIRECTS + 1):
            try:
                response = server.open("GET", path, headers=headers, deadline=deadline, redirects=True)
            except ProblemError as error:
                if server is self._server:
                    raise
                raise ArtefactError(f"The file cannot be had from {STORE}: {error}") from error
            if not response.has_redirect_location:
                self._check_range(response)
                return server, response
            with closing(response):
                server, path = self._elsewhere(response)
        raise ArtefactError(f"The file of {self._server.url} is nowhere: each address leads to another one.")

    def _elsewhere(self, response: httpx.Response) -> tuple[Server, str]:
        """Where it sends its client: a server that gets no credential, and the path there."""
        address = response.url.join(response.headers["Location"])
        safe = ("https",) if response.url.scheme == "https" else ("http", "https")
        if address.scheme not in safe or not address.host or address.userinfo:
            raise ArtefactError(
                f"{self._server.url} redirects to {address.scheme}://{address.host}, which is not followed: "
                f"it must be {' or '.join(safe)}, without a user."
            )
        origin = str(address.copy_with(raw_path=b"/", fragment=None)).rstrip("/")
        server = self._server.elsewhere(STORE, origin)
        self._open.callback(server.close)
        return server, address.raw_path.decode("ascii")

    def _check_range(self, response: httpx.Response) -> None:
        begin = f"bytes {self._received}-"
        if response.status_code == _PARTIAL and not response.headers.get("Content-Range", "").startswith(
            begin
        ):
            response.close()
            raise UnexpectedAnswerError(f"{self._server.url} answered with another range than was asked for.")


def _strong_tag(response: httpx.Response) -> str | None:
    """By which the rest of the very same bytes can be asked for."""
    tag = str(response.headers.get("ETag", ""))
    encoded = response.headers.get("Content-Encoding", "identity") != "identity"
    return tag if tag.startswith('"') and not encoded else None
