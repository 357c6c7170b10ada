"""The proxy does to connections what it says."""

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from tests.faults.injectors.database import _TAGS
from tests.faults.proxy import Proxy


@dataclass
class Heard:
    """What the server got, and how many of its connections have ended."""

    data: list[bytes] = field(default_factory=list)
    ended: int = 0


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def echo_port(heard: Heard) -> Iterator[int]:
    """A server that sends back what it gets."""
    server = socket.create_server(("127.0.0.1", 0))

    def answer(connection: socket.socket) -> None:
        try:
            while data := connection.recv(4096):
                heard.data.append(data)
                connection.sendall(data)
        except OSError:
            pass
        connection.close()
        heard.ended += 1

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


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline, "it never comes to that"
        time.sleep(0.005)


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
    assert proxy.refused == 1
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
    assert proxy.swallowed == 2


def test_after_half_open_a_deaf_connection_stays_so_and_new_ones_pass(
    proxy: Proxy, client: socket.socket
) -> None:
    ask(client)
    proxy.half_open()
    client.sendall(b"lost")
    wait_until(lambda: proxy.swallowed == 1)
    proxy.pass_on()
    client.settimeout(0.2)
    client.sendall(b"lost too")
    with pytest.raises(TimeoutError):
        client.recv(10)
    with connect(proxy) as another:
        assert ask(another) == b"hello"


@pytest.mark.parametrize("forward", [True, False])
def test_a_cut_comes_at_the_instant_of_a_marker(proxy: Proxy, heard: Heard, *, forward: bool) -> None:
    with connect(proxy) as client, connect(proxy) as another, ThreadPoolExecutor() as pool:
        ask(client), ask(another)
        struck = pool.submit(proxy.cut_at, b"COMMIT", forward=forward, seconds=30)
        wait_until(lambda: proxy._trap is not None)
        assert ask(client, b"BEGIN") == b"BEGIN"
        client.sendall(b"Q COMMIT;")
        assert struck.result() == 2
        for one in (client, another):
            with pytest.raises(ConnectionResetError):
                while one.recv(10):
                    pass
    wait_until(lambda: heard.ended == 2)
    assert (b"Q COMMIT;" in heard.data) is forward


def test_a_cut_may_want_that_the_server_has_said_something_on_that_connection(proxy: Proxy) -> None:
    tags = re.compile(rb"(changed)|forgot")
    with connect(proxy) as reader, connect(proxy) as writer, ThreadPoolExecutor() as pool:
        ask(reader), ask(writer)
        struck = pool.submit(proxy.cut_at, b"COMMIT", forward=False, seconds=30, tags=tags)
        wait_until(lambda: proxy._trap is not None)
        assert ask(writer, b"changed, forgot") == b"changed, forgot"
        for one in (reader, writer):
            assert ask(one, b"COMMIT") == b"COMMIT"
        assert ask(writer, b"forgot, changed") == b"forgot, changed"
        assert ask(reader, b"COMMIT") == b"COMMIT"
        writer.sendall(b"COMMIT")
        assert struck.result() == 2


@pytest.mark.parametrize(
    ("tag", "changes"),
    [
        (b"INSERT 0 1", True),
        (b"UPDATE 12", True),
        (b"DELETE 1", True),
        (b"UPDATE 0", None),
        (b"INSERT 0 0", None),
        (b"SELECT 5", None),
        (b"BEGIN", None),
        (b"COMMIT", False),
        (b"ROLLBACK", False),
    ],
)
def test_what_postgresql_says_of_changes(tag: bytes, *, changes: bool | None) -> None:
    """None: it says nothing of them."""
    message = b"C" + (len(tag) + 5).to_bytes(4, "big") + tag + b"\0"
    found = _TAGS.search(b"2\0\0\0\4" + message + b"Z\0\0\0\5T")
    assert (bool(found[1]) if found else None) is changes


def test_a_cut_that_waits_in_vain_says_so(proxy: Proxy, client: socket.socket) -> None:
    ask(client)
    assert proxy.cut_at(b"COMMIT", forward=True, seconds=0.1) == 0
    assert ask(client, b"COMMIT") == b"COMMIT"


def test_delay_is_each_way(proxy: Proxy, client: socket.socket) -> None:
    ask(client)
    proxy.delay(100)
    began = time.monotonic()
    assert ask(client) == b"hello"
    assert time.monotonic() - began >= 0.2
    wait_until(lambda: proxy.delayed == 2)
    proxy.pass_on()
    assert ask(client) == b"hello"
    assert proxy.delayed == 2


def test_what_the_server_says_is_counted(proxy: Proxy, client: socket.socket) -> None:
    assert ask(client, b"C53300") == b"C53300"
    assert proxy.heard == 0
    proxy.listen_for(b"C53300")
    assert ask(client, b"C53300, C53300") == b"C53300, C53300"
    assert proxy.heard == 2


def test_it_ends_with_connections_open(echo_port: int) -> None:
    proxy = Proxy(echo_port)
    with connect(proxy) as client:
        ask(client)
        proxy.close()
        with pytest.raises(ConnectionResetError):
            client.recv(10)
    with pytest.raises(ConnectionRefusedError):
        connect(proxy)
