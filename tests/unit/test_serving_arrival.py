"""When a request is complete, and when it is refused: for any bytes, in any pieces."""

from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import NoMoreData, ParseException
from gunicorn.http.parser import RequestParser
from hypothesis import example, given
from hypothesis import strategies as st

from producer_api.policies import ArrivalPolicy
from producer_api.serving.arrival import Arrival
from producer_api.serving.errors import BodyTooLarge, HeadTooLarge, RequestTooSlow
from tests.support.raw_http import Received

POLICY = ArrivalPolicy(max_head_bytes=600, max_body_bytes=100)
CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


def arrived(*pieces: bytes, policy: ArrivalPolicy = POLICY) -> Arrival:
    arrival = Arrival(policy, 0)
    for piece in pieces:
        if not (arrival.complete or arrival.error):
            arrival.receive(piece, 0)
    return arrival


def with_length(length: int) -> bytes:
    return b"POST / HTTP/1.1\r\nHost: x\r\ncontent-length: %d\r\n\r\n" % length


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        with_length(0),
        with_length(3) + b"{ }",
        CHUNKED + b"3\r\n{ }\r\n0\r\n\r\n",
        CHUNKED + b"3;a=b\r\n{ }\r\n1\r\nx\r\n0\r\nTrailer: x\r\n\r\n",
        CHUNKED + b"00000000000000000003\r\n{ }\r\n00000000000000000000\r\n\r\n",
    ],
)
def test_a_request_is_complete_with_its_last_byte(request_: bytes) -> None:
    for end in range(1, len(request_)):
        assert not arrived(request_[:end]).complete
        assert arrived(request_[:end], request_[end:]).complete


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\n\n",
        CHUNKED + b"zz\r\n",
        CHUNKED + b"3\r\n{}xx\r\n",
        CHUNKED + b"-1\r\n",
        CHUNKED + b"2;\0=1\r\n",
    ],
)
def test_what_is_malformed_is_not_waited_for(request_: bytes) -> None:
    assert arrived(request_).complete


@pytest.mark.parametrize(
    "request_",
    [
        with_length(101),
        with_length(10**30),
        CHUNKED + b"65\r\n",
        CHUNKED + b"33\r\n" + b"x" * 51 + b"\r\n33\r\n",
        CHUNKED + b"1;" + b"a" * 1000,
    ],
)
def test_a_body_above_the_limit_is_refused_before_it_is_there(request_: bytes) -> None:
    assert isinstance(arrived(request_).error, BodyTooLarge)


def test_a_body_in_chunks_at_the_limit_is_taken() -> None:
    arrival = arrived(CHUNKED + b"64\r\n" + b"x" * 100 + b"\r\n0\r\n\r\n")

    assert arrival.complete
    assert arrival.error is None


def test_an_endless_header_is_refused() -> None:
    assert isinstance(arrived(*[b"GET / HTTP/1.1\r\n", *[b"A: b\r\n"] * 200]).error, HeadTooLarge)


class Watched(bytearray):
    """Counts the bytes that are looked at."""

    looked_at = 0

    def find(self, sought: Any, start: Any = 0, end: Any = None) -> int:
        self.looked_at += (len(self) if end is None else end) - start
        return super().find(sought, start, end)


@pytest.mark.parametrize("begun", [b"GET / HTTP/1.1\r\nA: ", CHUNKED + b"0\r\nTrailer: "])
def test_a_client_that_sends_byte_by_byte_has_each_looked_at_a_few_times(begun: bytes) -> None:
    """All clients share the thread that looks."""
    arrival = Arrival(ArrivalPolicy(), 0)
    arrival.data = data = Watched()
    arrival.receive(begun, 0)

    for _ in range(2000):
        arrival.receive(b"x", 0)

    assert not (arrival.complete or arrival.error)
    assert 2000 < data.looked_at < 10 * len(data)


def test_each_part_has_its_deadline() -> None:
    arrival = Arrival(POLICY, 100)
    assert arrival.deadline == 100 + POLICY.idle.total_seconds()
    arrival.receive(b"POST / HTTP/1.1\r\n", 101)
    assert arrival.deadline == 101 + POLICY.head.total_seconds()
    arrival.receive(b"Content-Length: 2\r\n", 102)
    assert arrival.deadline == 101 + POLICY.head.total_seconds()
    arrival.receive(b"\r\n", 103)
    assert arrival.deadline == 103 + POLICY.body.total_seconds()
    arrival.receive(b"{", 104)
    assert arrival.deadline == 103 + POLICY.body.total_seconds()

    arrival.expire()

    assert isinstance(arrival.error, RequestTooSlow)
    assert "body" in str(arrival.error)


@pytest.mark.parametrize(("version", "waits"), [(b"HTTP/1.1", True), (b"HTTP/1.0", False)])
def test_a_client_that_expects_100_continue_gets_it(version: bytes, waits: bool) -> None:
    head = b"POST / " + version + b"\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"

    assert arrived(head).wants_continue is waits


LINES = st.sampled_from(
    [
        b"Host: x",
        b"Content-Length: 3",
        b"Content-Length:7",
        b"transfer-encoding: chunked",
        b"X: y\nZ: a",
        b": b",
    ]
)
BODIES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [b"3\r\nabc\r\n0\r\n\r\n", b"0\r\n\r\n", b"%020x\r\nabc" % 7, b"3\r\nabc\r\n0\r\nA: b\r\n\r\n"]
    ),
)
REQUESTS = st.builds(
    lambda method, lines, body: (
        method + b" / HTTP/1.1\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body
    ),
    st.sampled_from([b"GET", b"POST", b"get", b""]),
    st.lists(LINES, max_size=4),
    BODIES,
)


@given(st.one_of(REQUESTS, st.binary(min_size=1, max_size=200)), st.integers(1, 50))
@example(CHUNKED + b"3\r\nabcxx0\r\n\r\n", 7)
@example(CHUNKED + b"00000000000000000009\r\nabc", 50)
def test_what_is_complete_needs_no_more_bytes_of_a_client(request_: bytes, size: int) -> None:
    """gunicorn's parser, which reads it then in a thread, neither waits for more nor leaves the thread."""
    pieces = [request_[start : start + size] for start in range(0, len(request_), size)]
    arrival = arrived(*pieces)
    if arrival.error or not arrival.complete:
        return

    parser = RequestParser(Config(), Received(bytes(arrival.data)), ("127.0.0.1", 1))
    try:
        next(parser).body.read()
    except ParseException:
        return
    except NoMoreData as error:
        pytest.fail(f"gunicorn would wait for more: {error}")
