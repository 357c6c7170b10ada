"""An answer ends in time as a whole, also where its last read waits."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.support.http_server import Request, Server, serving
from tests.support.stubborn_server import falls_silent, stubborn
from tests.support.waiting import PATIENCE, within
from waybill_client.deadline import Deadline

LIMIT = 3.0
"""Seconds. A read that waits for the whole limit once more ends after 1.9 times that."""

Reader = Callable[[Deadline, httpx.Response], Iterator[bytes]]

READERS = {
    "an answer": Deadline.chunks,
    "a file": Deadline.chunks_of_file,
    "a line of a stream": lambda deadline, response: deadline.live(response).iter_raw(),
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_a_server_that_falls_silent_gets_no_second_limit(read: Reader) -> None:
    with stubborn(falls_silent(0.9 * LIMIT)) as url, httpx.Client(timeout=LIMIT) as client:
        deadline = Deadline.after(LIMIT)
        with (
            within(1.8 * LIMIT),
            client.stream("GET", url) as response,
            pytest.raises(httpx.ReadTimeout),
        ):
            for _ in read(deadline, response):
                pass


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_the_next_request_on_a_connection_is_not_bound_by_the_limit_before(
    server: Server, read: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = set()

    def answer(request: Request) -> None:
        ports.add(request.client_address[1])
        request.bytes(b"a line\n", "text/plain")

    server.routes["GET /"] = answer
    with httpx.Client(timeout=PATIENCE) as client:
        with client.stream("GET", server.url) as response:
            assert b"".join(read(Deadline.after(PATIENCE), response)) == b"a line\n"

        monkeypatch.setattr(Deadline, "left", 0.0)
        assert client.get(server.url).text == "a line\n"

    assert len(ports) == 1
