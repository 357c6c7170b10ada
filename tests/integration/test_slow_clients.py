"""Clients that are slow, many, or gone: the others are served meanwhile, and so are the probes."""

import contextlib
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.stack import Stack
from tests.support import sse
from tests.support.problems import problem
from tests.support.raw_http import Received, answer_of, connect, read_all
from tests.support.reports import run
from tests.support.waiting import PATIENCE, eventually
from waybill_client import WaybillClient

MANY = 300
"""More than all threads of the API's processes; 140 took the API down once."""
SLOW = {"steps": 50, "failing_step": None, "max_step_ms": 600_000}

HEAD = b"POST /api/v1/reports HTTP/1.1\r\nHost: localhost\r\n"
JSON = b"Content-Type: application/json\r\n"


@contextmanager
def clients(url: str, sent: bytes, count: int = MANY) -> Iterator[list[socket.socket]]:
    with ExitStack() as opened:
        connections = [opened.enter_context(connect(url)) for _ in range(count)]
        for connection in connections:
            connection.sendall(sent)
        yield connections


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"G",
        HEAD,
        HEAD + JSON + b"Content-Length: 100\r\n\r\n{",
        HEAD + JSON + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
        HEAD + JSON + b"Transfer-Encoding: chunked\r\n\r\n00000000000000000005\r\n{",
        HEAD + JSON + b"Expect: 100-continue\r\nContent-Length: 100\r\n\r\n",
        HEAD + JSON + b"Content-Length: 300000\r\n\r\n{",
    ],
    ids=[
        "nothing",
        "one byte",
        "half a header",
        "half a body",
        "half a chunk",
        "half a chunk after zeros",
        "expects",
        "too much",
    ],
)
def test_clients_that_do_not_finish_cost_the_others_nothing(
    sent: bytes, stack: Stack, http: httpx.Client
) -> None:
    with clients(stack.endpoints.api_url, sent):
        answers = [http.get("/api/v1/kinds").status_code for _ in range(10)]
        probe = httpx.get(f"{stack.endpoints.api_health_url}/readyz", timeout=PATIENCE, trust_env=False)

    assert set(answers) == {httpx.codes.OK}
    assert probe.status_code == httpx.codes.OK


@pytest.mark.parametrize(
    ("sent", "part"), [(HEAD, "header"), (HEAD + JSON + b"Content-Length: 9\r\n\r\n{", "body")]
)
def test_a_request_that_is_not_complete_in_time_is_refused(sent: bytes, part: str, stack: Stack) -> None:
    with connect(stack.endpoints.api_url) as connection:
        connection.sendall(sent)

        body = problem(answer_of(connection), 408, "request-timeout")

    assert part in body["detail"]


def test_clients_that_do_not_read_leave_threads_for_the_others(
    stack: Stack, http: httpx.Client, client: WaybillClient
) -> None:
    report = run(client, "flights", {})
    request = f"GET /api/v1/reports/{report.id}/artefact HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    with clients(stack.endpoints.api_url, request * 30):
        answers = [http.get("/api/v1/kinds").status_code for _ in range(10)]

    assert set(answers) == {httpx.codes.OK}


def test_clients_that_do_not_read_short_answers_leave_threads_for_the_others(
    stack: Stack, http: httpx.Client
) -> None:
    """Each of the others' requests waits behind one of every client, so that the buffers fill meanwhile."""
    request = b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with clients(stack.endpoints.api_url, request * 60):
        answers = [http.get("/healthz").status_code for _ in range(100)]

    assert set(answers) == {httpx.codes.OK}


def test_an_answered_client_that_does_not_close_holds_nobody_up(stack: Stack, http: httpx.Client) -> None:
    """gunicorn itself waits in its main loop for each of them to close."""
    request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with clients(stack.endpoints.api_url, request, 200) as connections:
        answers = [http.get("/healthz").status_code for _ in range(10)]
        assert all(b"200 OK" in read_all(connection) for connection in connections)

    assert set(answers) == {httpx.codes.OK}


def test_streams_whose_clients_have_gone_free_their_places(
    stack: Stack, http: httpx.Client, client: WaybillClient
) -> None:
    report = client.request("dowork", SLOW)
    request = f"GET {sse.path(report.id)} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    try:
        with clients(stack.endpoints.api_url, request, 112) as connections:
            for connection in connections:
                assert b"200 OK" in connection.recv(4096)

        eventually(lambda: _stays_open(http, report.id) or None, "a place for a stream")
    finally:
        client.cancel(report.id)


def _stays_open(http: httpx.Client, report_id: UUID) -> bool:
    """Twenty streams at once get an event: none of them only the advice to come back later."""
    with ExitStack() as opened:
        streams = [opened.enter_context(sse.opened(http, report_id)) for _ in range(20)]
        return all(next(sse.events(stream), None) is not None for stream in streams)


@pytest.mark.parametrize(
    ("sent", "status", "kind"),
    [
        (
            b"GET /nothing HTTP/1.1\r\nHost: x\r\nCookie: " + b"c" * 9000 + b"\r\n\r\n",
            431,
            "header-too-large",
        ),
        (b"GET /nothing HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 101 + b"\r\n", 431, "header-too-large"),
        (b"GET /nothing HTTP/1.1\r\n" + b"A: bcdefg\r\n" * 10_000 + b"\r\n", 431, "header-too-large"),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n", 414, "address-too-long"),
        (b"GET / HTTP/3.0\r\nHost: x\r\n\r\n", 505, "unsupported-http-version"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "malformed-request"),
        (b"nonsense\r\n\r\n", 400, "malformed-request"),
        (b"get / HTTP/1.1\r\nHost: x\r\n\r\n", 400, "malformed-request"),
        (b"GET /nothing HTTP/1.1\nHost: x\n\n", 400, "malformed-request"),
        (b"GET /nothing HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400, "malformed-request"),
        (b"GET /nothing HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", 400, "malformed-request"),
        (b"GET /nothing HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n", 417, "expectation-failed"),
        (HEAD + b"Transfer-Encoding: br\r\n\r\n", 501, "unsupported-transfer-coding"),
        (HEAD + JSON + b"Content-Length: 300000\r\n\r\n{", 413, "body-too-large"),
        (HEAD + JSON + b"Transfer-Encoding: chunked\r\n\r\n50000\r\n{", 413, "body-too-large"),
        (
            HEAD + JSON + b"Transfer-Encoding: chunked\r\n\r\n" + (b"8000\r\n" + b" " * 0x8000 + b"\r\n") * 9,
            413,
            "body-too-large",
        ),
    ],
    ids=lambda value: value[:40] if isinstance(value, bytes) else None,
)
def test_what_is_no_request_for_the_application_is_a_problem_too(
    sent: bytes, status: int, kind: str, stack: Stack
) -> None:
    with connect(stack.endpoints.api_url) as connection:
        with contextlib.suppress(OSError):  # it may be refused before all of it is sent
            connection.sendall(sent)

        body = problem(answer_of(connection), status, kind)

    assert b"c" * 100 not in str(body).encode()


@settings(max_examples=100, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    start=st.sampled_from(
        [b"", b"GET /nothing HTTP/1.1\r\n", HEAD, HEAD + JSON + b"Content-Length: 2\r\n\r\n{}"]
    ),
    sent=st.binary(max_size=300),
)
def test_whatever_bytes_come_an_error_is_a_problem(start: bytes, sent: bytes, stack: Stack) -> None:
    with connect(stack.endpoints.api_url) as connection:
        connection.sendall(start + sent + b"\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        received = read_all(connection)

    if received:  # nothing is answered to a client that closes in the middle of a request
        answer = answer_of(Received(received))
        assert answer.status_code in (202, 404) or 400 <= answer.status_code < 500, answer.text
        if answer.status_code >= 400:
            assert answer.headers["Content-Type"] == "application/problem+json"


class TestProbes:
    @pytest.fixture(params=["api", "worker"])
    def url(self, request: pytest.FixtureRequest, stack: Stack) -> str:
        endpoints = stack.endpoints
        return endpoints.api_health_url if request.param == "api" else endpoints.worker_health_url

    def test_400_clients_with_one_byte_hold_no_probe_up(self, url: str) -> None:
        with clients(url, b"G", 400):
            for path in ("/healthz", "/readyz"):
                assert httpx.get(url + path, timeout=PATIENCE, trust_env=False).status_code == httpx.codes.OK

    def test_other_addresses_and_methods_are_refused(self, url: str) -> None:
        with httpx.Client(base_url=url, trust_env=False, timeout=PATIENCE) as probes:
            assert probes.get("/api/v1/kinds").status_code == httpx.codes.NOT_FOUND
            assert probes.post("/healthz").status_code == httpx.codes.METHOD_NOT_ALLOWED
            assert probes.head("/healthz").status_code == httpx.codes.OK
