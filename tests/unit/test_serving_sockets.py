"""Connections to clients that have gone, or do not read."""

import socket
from collections.abc import Iterator
from datetime import timedelta

import pytest

from producer_api.policies import SHORT_ANSWER_BYTES
from producer_api.serving.sockets import ClientSocket, is_gone
from tests.support.waiting import eventually

Pair = tuple[ClientSocket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Ours, and the client's, over TCP."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.connect(listener.getsockname())
        ours = ClientSocket.of(listener.accept()[0], timedelta(seconds=0.2))
    with ours, client:
        yield ours, client


def test_a_client_that_waits_is_there(pair: Pair) -> None:
    ours, client = pair
    assert not is_gone(ours)
    client.sendall(b"more")
    assert not is_gone(ours)


@pytest.mark.parametrize("unread", [b"", b"GET / HTTP/1.1\r\n"])
def test_a_client_that_has_closed_is_gone_whatever_it_sent_before(pair: Pair, unread: bytes) -> None:
    ours, client = pair
    client.sendall(unread)
    client.close()

    eventually(lambda: is_gone(ours) or None, "the client has gone")


def test_a_connection_closed_on_our_side_is_gone(pair: Pair) -> None:
    pair[0].close()

    assert is_gone(pair[0])


def test_a_client_that_does_not_read_is_cut_off(pair: Pair) -> None:
    ours, _ = pair
    ours.setblocking(True)

    with pytest.raises(ConnectionResetError):
        for _ in range(1000):
            ours.sendall(b"x" * 1_000_000)


def test_a_short_answer_waits_for_no_client(pair: Pair) -> None:
    ours, _ = pair
    ours.setblocking(True)

    ours.sendall(b"x" * SHORT_ANSWER_BYTES)


def test_a_client_that_reads_gets_all_of_it(pair: Pair) -> None:
    ours, client = pair
    ours.setblocking(True)
    sent = bytes(range(256)) * 1000
    received = b""

    for start in range(0, len(sent), 100_000):
        ours.sendall(sent[start : start + 100_000])
        while len(received) < min(start + 100_000, len(sent)):
            received += client.recv(65536)

    assert received == sent
