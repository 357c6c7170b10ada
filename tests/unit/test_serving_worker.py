"""Clients that send several requests at once: each is begun when the answer before has been read."""

import re
import selectors
import signal
import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from unittest.mock import Mock

import httpx
import pytest
from gunicorn.config import Config

from producer_api.policies import SHORT_ANSWER_BYTES
from producer_api.serving import EdgeWorker
from tests.support.edge import THREADS, serving
from tests.support.raw_http import answer_of, connect, read_all
from tests.support.waiting import PATIENCE, eventually

MANY = 50
"""Answers, which together are larger than all buffers between a server and its client."""


def pipelined(sizes: Sequence[int]) -> bytes:
    return b"".join(b"GET /%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % size for size in sizes)


UNREAD = pipelined([SHORT_ANSWER_BYTES] * MANY)


def test_clients_that_do_not_read_short_answers_hold_no_thread() -> None:
    with serving("Patient") as (url, _), ExitStack() as opened:
        for _ in range(4 * THREADS):
            opened.enter_context(connect(url)).sendall(UNREAD)

        for _ in range(10):
            assert httpx.get(f"{url}/1", timeout=PATIENCE, trust_env=False).status_code == httpx.codes.OK


def test_a_client_that_does_not_read_is_cut_off_at_the_deadline() -> None:
    with serving("Impatient") as (url, _), connect(url) as client:
        client.sendall(UNREAD)

        eventually(lambda: _is_refused(client), "the connection is closed")

        answers = read_all(client).count(b"HTTP/1.1 200 OK")

    assert 0 < answers < MANY


def test_a_client_that_reads_later_gets_every_answer_in_order() -> None:
    sizes = [SHORT_ANSWER_BYTES - place for place in range(MANY)]
    with serving("Patient") as (url, _), connect(url) as client, connect(url) as other:
        client.sendall(pipelined(sizes))
        client.shutdown(socket.SHUT_WR)
        other.sendall(pipelined([1]))
        answer_of(other)

        received = read_all(client)

    assert [int(size) for size in re.findall(rb"Content-Length: (\d+)", received)] == sizes
    assert received.count(b"x") == sum(sizes)


def test_a_client_that_does_not_read_does_not_hold_up_the_end() -> None:
    with serving("Patient") as (url, arbiter), connect(url) as client:
        client.sendall(UNREAD)
        client.recv(1)

        arbiter.send_signal(signal.SIGTERM)

        assert arbiter.wait(PATIENCE) == 0


@pytest.mark.parametrize("pause", [0, 0.05])
def test_a_request_may_follow_the_answer_before_in_parts(pause: float) -> None:
    """At once the thread that has answered finds them, later the main thread."""
    with serving("Patient") as (url, _), connect(url) as client:
        for size in (1, 2, 3):
            for part in (pipelined([size])[:10], pipelined([size])[10:]):
                time.sleep(pause)
                client.sendall(part)
            assert answer_of(client).content == b"x" * size


def test_clients_that_send_all_the_time_leave_threads_to_others() -> None:
    stopping = threading.Event()

    def send_all_the_time(url: str) -> None:
        with connect(url) as client:
            while not stopping.is_set():
                client.sendall(pipelined([1]))
                answer_of(client)

    with serving("Patient") as (url, _), ThreadPoolExecutor() as busy, connect(url) as other:
        for _ in range(3):
            busy.submit(send_all_the_time, url)
        try:
            for _ in range(20):
                other.sendall(pipelined([5]))
                assert answer_of(other).content == b"xxxxx"
        finally:
            stopping.set()


def test_a_refusal_has_the_prefix_of_all_addresses() -> None:
    with serving("Prefixed") as (url, _), connect(url) as client:
        client.sendall(b"nonsense\r\n\r\n")

        assert answer_of(client).json()["type"] == "/waybill/problems/malformed-request"


def test_a_client_that_is_dropped_for_a_new_one_may_have_sent_something_meanwhile() -> None:
    """The worker's loop then has both events, and in this order."""
    config = Config()
    config.set("threads", 1)
    config.set("worker_connections", 2)
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        selectors.DefaultSelector() as poller,
        selectors.DefaultSelector() as arrived,
    ):
        worker = EdgeWorker(0, 0, [listener], Mock(), PATIENCE, config, Mock())
        worker.poller = poller
        worker.set_accept_enabled(True)
        with socket.create_connection(listener.getsockname()) as first:
            worker.wait_for_and_dispatch_events(PATIENCE)
            (accepted,) = worker._waiting
            arrived.register(accepted.sock, selectors.EVENT_READ)
            with socket.create_connection(listener.getsockname()) as second:
                first.sendall(b"G")
                assert arrived.select(PATIENCE)

                worker.wait_for_and_dispatch_events(PATIENCE)

                assert [one.client for one in worker._waiting] == [second.getsockname()]
                for connection in list(worker._waiting):
                    worker._drop(connection)
        worker.tmp._tmp.close()


def _is_refused(client: socket.socket) -> bool | None:
    """Whether the server takes nothing more."""
    try:
        client.sendall(b"G")
    except OSError:
        return True
    return None
