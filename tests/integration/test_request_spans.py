"""The spans of requests: whatever addresses, methods and queries a client makes up."""

from uuid import uuid4

import httpx

from local.stack import Stack
from tests.support.raw_http import answer_of, connect
from tests.support.traces import Traces
from tests.support.waiting import eventually

REQUESTS = 200
API = {"producer-api"}


def test_a_request_that_no_route_takes_has_a_span_of_a_name_that_is_no_address(
    http: httpx.Client, traces: Traces
) -> None:
    answers = [http.get(f"/x/{uuid4()}") for _ in range(REQUESTS)]
    answers += [http.request("PATCH", f"/api/v1/reports/{uuid4()}")]

    for answer in answers[-2:]:
        trace = traces.whole(answer.json()["trace_id"], services=API)
        (span,) = trace.spans
        assert span.name == answer.request.method
        assert "http.route" not in span.attributes
    assert not [name for name in traces.operations("producer-api") if "/x/" in name]


def test_a_method_that_is_made_up_is_in_no_name(stack: Stack, traces: Traces) -> None:
    method = f"X{uuid4().hex[:10].upper()}"
    with connect(stack.endpoints.api_url) as connection:
        connection.sendall(f"{method} /x HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        trace_id = answer_of(connection).json()["trace_id"]

    (span,) = traces.whole(trace_id, services=API).spans
    assert span.name == "HTTP"
    assert span.attributes["http.request.method"] == "_OTHER"


def test_no_metric_has_a_made_up_address(stack: Stack, http: httpx.Client) -> None:
    made_up = uuid4().hex
    http.get(f"/x/{made_up}")

    def counted() -> str | None:
        text = httpx.get(stack.endpoints.span_metrics_url, trust_env=False, timeout=30).text
        return text if 'span_name="GET"' in text else None

    metrics = eventually(counted, "the request among the metrics")
    assert made_up not in metrics
    assert "/x/" not in metrics


def test_a_token_in_a_query_is_in_no_span_and_no_log(
    stack: Stack, http: httpx.Client, traces: Traces
) -> None:
    token = uuid4().hex
    answers = [
        http.get("/nothing", params={"token": token, "limit": "1"}),
        http.get("/api/v1/reports", params={"token": token, "limit": "1"}),
    ]

    for answer in answers:
        trace = traces.whole(answer.json()["trace_id"], services=API)
        (span,) = [span for span in trace.spans if span.kind == "SERVER"]
        assert span.attributes["url.query"] == "token=REDACTED&limit=1"
        assert token not in str(trace)
        assert token not in answer.text
    assert token not in stack.log("producer-api").read_text(errors="replace")


def test_a_malformed_request_leaves_none_of_it_in_the_log(stack: Stack) -> None:
    token = uuid4().hex
    for sent in (
        f"GET /{token} HTTP/9.9\r\n\r\n",
        f"GET / HTTP/1.1\r\nAuthorization {token}\r\n\r\n",
        f"{token} / HTTP/1.1\r\n\r\n",
    ):
        with connect(stack.endpoints.api_url) as connection:
            connection.sendall(sent.encode())
            assert token not in answer_of(connection).text

    assert token not in stack.log("producer-api").read_text(errors="replace")


def test_headers_about_the_way_count_for_nothing(stack: Stack) -> None:
    """Not even from this machine, from where gunicorn itself believes them."""
    with connect(stack.endpoints.api_url) as connection:
        connection.sendall(
            b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nSCRIPT_NAME: /forged\r\nPATH_INFO: /healthz\r\n"
            b"X-Forwarded-Prefix: /forged\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: forged\r\n\r\n"
        )
        answer = answer_of(connection)

    assert answer.status_code == httpx.codes.NOT_FOUND
    assert answer.json()["type"] == "/problems/not-found"


def test_an_answer_names_its_span(http: httpx.Client, traces: Traces) -> None:
    made = http.post("/api/v1/reports", json={"kind": "dowork", "parameters": {"steps": 1}})
    refused = http.get("/api/v1/reports", params={"limit": "0"})

    for answer in (made, refused):
        version, trace_id, span_id, flags = answer.headers["traceresponse"].split("-")
        assert (version, trace_id, int(flags, 16) & 1) == ("00", answer.json()["trace_id"], 1)
        trace = traces.whole(trace_id, services=API)
        (server,) = [span for span in trace.spans if span.kind == "SERVER"]
        assert server.id == span_id


def test_the_answer_to_a_caller_that_keeps_no_trace_says_so(http: httpx.Client) -> None:
    caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
    answer = http.get("/api/v1/kinds", headers={"traceparent": caller})

    _, trace_id, _, flags = answer.headers["traceresponse"].split("-")
    assert (trace_id, int(flags, 16) & 1) == (caller.split("-")[1], 0)


def test_what_has_no_span_names_none(http: httpx.Client) -> None:
    for path in ("/healthz", f"/api/v1/reports/{uuid4()}/events"):
        assert "traceresponse" not in http.get(path).headers
