"""Connections to clients that have gone, or do not read."""

import socket
import ssl
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from producer_api.policies import SHORT_ANSWER_BYTES
from producer_api.serving.sockets import HTTP_INSTEAD, ClientSocket, TlsClientSocket, broken_rule, is_gone
from tests.support.certificate_files import HOST, Authority
from tests.support.waiting import eventually

Pair = tuple[ClientSocket, socket.socket]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(params=["TCP", "TLS"])
def pair(request: pytest.FixtureRequest, authority: Authority) -> Iterator[Pair]:
    """Ours, and the client's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.connect(listener.getsockname())
        accepted = listener.accept()[0]
    patience = timedelta(seconds=0.2)
    if request.param == "TCP":
        ours = ClientSocket.of(accepted, patience)
    else:
        ours, client = encrypted(accepted, client, patience, authority)
    with ours, client:
        yield ours, client


def encrypted(
    accepted: socket.socket, client: socket.socket, patience: timedelta, authority: Authority
) -> tuple[TlsClientSocket, ssl.SSLSocket]:
    ours = TlsClientSocket.over(accepted, patience, authority.issue("server").shown())
    with ThreadPoolExecutor(1) as pool:
        theirs = pool.submit(authority.trusted().wrap_socket, client, server_hostname=HOST)
        eventually(ours.has_shaken_hands, "both have shaken hands")
        return ours, theirs.result()


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


def test_what_is_not_there_is_not_waited_for(pair: Pair) -> None:
    ours, client = pair
    with pytest.raises(BlockingIOError):
        ours.recv(1)
    client.sendall(b"a")
    assert ours.has_data(1)

    assert ours.recv(65536) == b"a"


def test_the_end_is_told_and_what_comes_then_may_be_read(pair: Pair) -> None:
    ours, client = pair
    ours.shutdown(socket.SHUT_WR)

    assert client.recv(1) == b""
    ours.close()


class TestTls:
    @pytest.fixture
    def connected(self, authority: Authority) -> Iterator[tuple[TlsClientSocket, socket.socket]]:
        """Before the handshake."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            client = socket.create_connection(listener.getsockname())
            ours = TlsClientSocket.over(
                listener.accept()[0], timedelta(seconds=0.2), authority.issue("server").shown()
            )
        with ours, client:
            yield ours, client

    def test_a_handshake_waits_for_no_client(self, connected: tuple[TlsClientSocket, socket.socket]) -> None:
        ours, client = connected
        assert not ours.has_shaken_hands()
        client.sendall(b"\x16\x03\x01")
        assert ours.has_data(1)

        assert not ours.has_shaken_hands()

    def test_a_client_that_goes_before_it_is_no_broken_rule(
        self, connected: tuple[TlsClientSocket, socket.socket]
    ) -> None:
        ours, client = connected
        client.close()
        assert ours.has_data(1)

        with pytest.raises(OSError) as caught:
            ours.has_shaken_hands()
        assert broken_rule(caught.value) == ""

    @pytest.mark.parametrize(
        ("sent", "rule"), [(b"GET / HTTP/1.1\r\n", HTTP_INSTEAD), (b"\x16" * 99, "WRONG")]
    )
    def test_a_rule_that_is_broken_is_named(
        self, sent: bytes, rule: str, connected: tuple[TlsClientSocket, socket.socket]
    ) -> None:
        ours, client = connected
        client.sendall(sent)
        assert ours.has_data(1)

        with pytest.raises(ssl.SSLError) as caught:
            ours.has_shaken_hands()
        assert rule in broken_rule(caught.value)

    def test_a_connection_that_is_closed_already_is_refused_or_fails_its_handshake(
        self, authority: Authority
    ) -> None:
        context = authority.issue("server").shown()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            client = socket.create_connection(listener.getsockname())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            accepted = listener.accept()[0]
            client.close()  # by a reset

            with pytest.raises(OSError), TlsClientSocket.over(accepted, timedelta(1), context) as ours:
                assert ours.has_shaken_hands()
