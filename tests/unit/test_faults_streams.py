"""A client of the status stream comes back until there is nothing more, and says what went wrong."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.faults.history import Told
from tests.faults.streams import StreamClient


class Server(ThreadingHTTPServer):
    """Gives each request the next of `answers`: a status, and how the stream begins."""

    answers: list[tuple[int, str]]
    last_seen: list[str | None]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.last_seen.append(self.headers.get("Last-Event-ID"))
        status, text = self.server.answers.pop(0)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as server:
        server.last_seen = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def follow(server: Server, *answers: tuple[int, str]) -> StreamClient:
    """A client that has had all the answers."""
    server.answers = list(answers)
    client = StreamClient(f"http://127.0.0.1:{server.server_port}", "client", "r1").start()
    client.finish(time.monotonic() + 30)
    return client


def event(version: int, status: str) -> str:
    return f'id: {version}\nevent: status\ndata: {{"status": "{status}"}}\n\n'


def test_it_goes_on_after_the_last_whole_event(server: Server) -> None:
    client = follow(server, (200, event(1, "init") + "id: 2\nevent: st"), (200, event(2, "done")), (204, ""))
    assert client.told == [Told(1, "init"), Told(2, "done")]
    assert server.last_seen == [None, "1", "2"]
    assert client.ended
    assert not client.problem


def test_it_comes_back_when_it_is_told_to(server: Server) -> None:
    began = time.monotonic()
    follow(server, (200, "retry: 700\n\n"), (204, ""))
    assert time.monotonic() - began >= 0.7


def test_a_database_that_is_away_is_no_problem(server: Server) -> None:
    client = follow(server, (503, ""), (204, ""))
    assert client.ended
    assert not client.problem


@pytest.mark.parametrize("status", [404, 500])
def test_another_refusal_is_one_and_does_not_end_it(server: Server, status: int) -> None:
    client = follow(server, (status, ""), (204, ""))
    assert client.ended
    assert str(status) in client.problem
