"""The proxy does to connections what it says."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.proxy import Proxy


@pytest.fixture
def heard() -> list[bytes]:
    """What the server got."""
    return []


@pytest.fixture
def echo_port(heard: list[bytes]) -> Iterator[int]:
    """A server that sends back what it gets."""
    server = socket.create_server(("127.0.0.1", 0))

    def answer(connection: socket.socket) -> None:
        try:
            while data := connection.recv(4096):
                heard.append(data)
                connection.sendall(data)
        except OSError:
            pass
        connection.close()

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    server.close()


@pytest.fixture
def proxy(echo_port: int) -> Iterator[Proxy]:
    with Proxy(echo_port) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: Proxy) -> Iterator[socket.socket]:
    with connect(proxy) as client:
        yield client


def connect(proxy: Proxy) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", proxy.port), timeout=5)
    client.settimeout(5)
    return client


def ask(client: socket.socket, text: bytes = b"hello") -> bytes:
    client.sendall(text)
    answer = b""
    while len(answer) < len(text):
        chunk = client.recv(4096)
        if not chunk:
            break
        answer += chunk
    return answer


def test_it_passes_on(client: socket.socket) -> None:
    text = b"x" * 1_000_000
    threading.Thread(target=client.sendall, args=(text,), daemon=True).start()
    answer = b""
    while len(answer) < len(text):
        answer += client.recv(65536)
    assert answer == text


def test_an_end_is_passed_on(client: socket.socket) -> None:
    ask(client)
    client.shutdown(socket.SHUT_WR)
    assert client.recv(10) == b""


def test_cut_resets_what_is_open_and_lets_new_ones_in(proxy: Proxy, client: socket.socket) -> None:
    ask(client)
    assert proxy.cut() == 1
    with pytest.raises(ConnectionResetError):
        client.recv(10)
    with connect(proxy) as another:
        assert ask(another) == b"hello"


def test_refuse_resets_new_ones_and_lets_old_ones_go_on(proxy: Proxy, client: socket.socket) -> None:
    ask(client)
    proxy.refuse()
    with pytest.raises(ConnectionError), connect(proxy) as another:
        another.sendall(b"hello")
        another.recv(10)
    assert ask(client) == b"hello"


def test_half_open_accepts_and_answers_nothing(proxy: Proxy, client: socket.socket) -> None:
    ask(client)
    proxy.half_open()
    with connect(proxy) as another:
        for one in (client, another):
            one.settimeout(0.2)
            one.sendall(b"hello")
            with pytest.raises(TimeoutError):
                one.recv(10)


def test_after_half_open_a_deaf_connection_stays_so_and_new_ones_pass(
    proxy: Proxy, client: socket.socket
) -> None:
    ask(client)
    proxy.half_open()
    client.sendall(b"lost")
    time.sleep(0.1)
    proxy.pass_on()
    client.settimeout(0.2)
    client.sendall(b"lost too")
    with pytest.raises(TimeoutError):
        client.recv(10)
    with connect(proxy) as another:
        assert ask(another) == b"hello"


@pytest.mark.parametrize("forward", [True, False])
def test_a_cut_comes_at_the_instant_of_a_marker(proxy: Proxy, heard: list[bytes], *, forward: bool) -> None:
    with connect(proxy) as client, connect(proxy) as another, ThreadPoolExecutor() as pool:
        ask(client), ask(another)
        struck = pool.submit(proxy.cut_at, b"COMMIT", forward=forward, seconds=5)
        time.sleep(0.1)
        assert ask(client, b"BEGIN") == b"BEGIN"
        client.sendall(b"Q COMMIT;")
        assert struck.result() == 2
        for one in (client, another):
            with pytest.raises(ConnectionResetError):
                while one.recv(10):
                    pass
    time.sleep(0.1)
    assert (b"Q COMMIT;" in heard) is forward


def test_a_cut_that_waits_in_vain_says_so(proxy: Proxy, client: socket.socket) -> None:
    ask(client)
    assert proxy.cut_at(b"COMMIT", forward=True, seconds=0.1) == 0
    assert ask(client, b"COMMIT") == b"COMMIT"


def test_delay_is_each_way(proxy: Proxy, client: socket.socket) -> None:
    ask(client)
    proxy.delay(100)
    began = time.monotonic()
    assert ask(client) == b"hello"
    assert 0.2 <= time.monotonic() - began < 1
    proxy.pass_on()
    began = time.monotonic()
    assert ask(client) == b"hello"
    assert time.monotonic() - began < 0.1


def test_it_ends_with_connections_open(echo_port: int) -> None:
    proxy = Proxy(echo_port)
    with connect(proxy) as client:
        ask(client)
        proxy.close()
        with pytest.raises(ConnectionResetError):
            client.recv(10)
    with pytest.raises(ConnectionRefusedError):
        connect(proxy)
