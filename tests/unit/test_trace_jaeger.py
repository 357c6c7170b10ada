"""A trace is read when it is whole, and a sentence says what is missing when it never is."""

from collections.abc import Iterator

import pytest

from tests.support.answers import DOWORK_STEPS, TRACE_ID, dowork, jaeger, span
from tests.support.http_server import Server, in_turn, serving
from waybill_client import (
    ExpectedTrace,
    JaegerClient,
    RetryPolicy,
    ServerUnreachableError,
    TraceIncompleteError,
    UnexpectedAnswerError,
)

PATH = f"GET /api/traces/{TRACE_ID}"
ONCE = RetryPolicy(attempts=1)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[JaegerClient]:
    with JaegerClient(server.url, ONCE) as client:
        yield client


def test_it_waits_until_all_has_arrived(server: Server, client: JaegerClient) -> None:
    spans = dowork()
    server.routes[PATH] = in_turn(
        lambda request: request.json(
            {"data": None, "errors": [{"code": 404, "msg": "trace not found"}]}, 404
        ),
        lambda request: request.json(jaeger(spans[:3])),  # the worker has sent nothing
        lambda request: request.json(jaeger(spans[:3] + spans[5:])),  # steps end before handle_report does
        lambda request: request.json(jaeger(spans[:-1])),  # looks whole
        lambda request: request.json(jaeger(spans)),
    )

    trace = client.wait_for(TRACE_ID, ExpectedTrace(names=DOWORK_STEPS), timeout=10)

    assert len(trace.spans) == 15
    assert len(server.requests) == 5


def test_what_is_missing_is_named_after_the_time_out(server: Server, client: JaegerClient) -> None:
    spans = [one for one in dowork() if one["operationName"] not in ("handle_report", "doWork:9")]
    server.routes[PATH] = lambda request: request.json(jaeger(spans))

    with pytest.raises(TraceIncompleteError) as caught:
        client.wait_for(TRACE_ID, ExpectedTrace(frozenset({"billing"}), DOWORK_STEPS), timeout=0)

    assert str(caught.value) == (
        f"Trace {TRACE_ID} is not complete after 0 s: no span of billing has arrived; "
        "the parent of doWork:0, doWork:1, doWork:2 and 6 more has not arrived; doWork:9 not received."
    )
    assert caught.value.trace is not None


def test_a_caller_with_a_trace_of_its_own_is_not_waited_for(server: Server, client: JaegerClient) -> None:
    spans = dowork()
    spans[0] = span("a1", "POST /api/v1/reports", 0, 10, "ffff", kind="server", service="producer-api")
    server.routes[PATH] = lambda request: request.json(jaeger(spans))

    assert [orphan.name for orphan in client.wait_for(TRACE_ID, timeout=0).orphans] == [
        "POST /api/v1/reports"
    ]


def test_a_trace_of_which_nothing_arrives_says_so(client: JaegerClient) -> None:
    with pytest.raises(TraceIncompleteError, match="nothing of it has arrived"):
        client.wait_for(TRACE_ID, timeout=0)


def test_another_server_is_recognised(server: Server, client: JaegerClient) -> None:
    server.routes[PATH] = lambda request: request.json({"data": [{"hello": "there"}]})

    with pytest.raises(UnexpectedAnswerError, match="a trace that is not understood"):
        client.trace(TRACE_ID)


def test_a_jaeger_that_is_not_there_is_named() -> None:
    with JaegerClient("http://127.0.0.1:1", ONCE) as client, pytest.raises(ServerUnreachableError) as caught:
        client.trace(TRACE_ID)

    assert str(caught.value) == "Cannot reach Jaeger at http://127.0.0.1:1: connection refused."
