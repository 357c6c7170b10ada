"""The trace buffer keeps what it answered for, forwards it in order, and writes spans as Jaeger does."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from local.trace_buffer.forwarding import Forwarder
from local.trace_buffer.jaeger_json import stored_spans, trace_answer
from local.trace_buffer.server import create_app
from local.trace_buffer.store import Store
from tests.support.raw_server import RawServer, raw_serving
from tests.support.waiting import eventually
from waybill_client import SpanKind, read_trace

TRACE = bytes(range(16))
START = 1_795_457_049_672_498_765
"""Nanoseconds."""


def attribute(key: str, **value: Any) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(**value))


def request(*spans: Span, service: str = "producer-api") -> ExportTraceServiceRequest:
    resource = Resource(attributes=[attribute("service.name", string_value=service)])
    scope = ScopeSpans(scope=InstrumentationScope(name="waybill"), spans=spans)
    return ExportTraceServiceRequest(resource_spans=[ResourceSpans(resource=resource, scope_spans=[scope])])


def span(number: int, name: str = "step", **fields: Any) -> Span:
    return Span(
        trace_id=TRACE,
        span_id=number.to_bytes(8),
        name=name,
        start_time_unix_nano=START,
        end_time_unix_nano=START + 1_500_999,
        **fields,
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "received.sqlite")
    yield opened
    opened.close()


def test_a_span_is_read_back_as_it_was_sent(store: Store) -> None:
    failed = span(
        2,
        "doWork:5",
        parent_span_id=(1).to_bytes(8),
        kind=Span.SPAN_KIND_CONSUMER,
        status=Status(code=Status.STATUS_CODE_ERROR, message="Something wrong!"),
        attributes=[
            attribute("text", string_value="a"),
            attribute("number", int_value=3),
            attribute("ratio", double_value=0.5),
            attribute("flag", bool_value=True),
            attribute("many", array_value=ArrayValue(values=[AnyValue(string_value="x")])),
        ],
        events=[
            Span.Event(name="log", time_unix_nano=START + 1000, attributes=[attribute("k", int_value=1)])
        ],
        links=[Span.Link(trace_id=TRACE, span_id=(9).to_bytes(8))],
    )
    whole = request(span(1, "root"), failed)
    store.add("/v1/traces", {}, whole.SerializeToString(), stored_spans(whole))

    trace = read_trace(trace_answer(TRACE.hex(), store.spans(TRACE.hex())))

    assert trace is not None
    root, child = sorted(trace.spans, key=lambda one: one.name, reverse=True)
    assert (root.name, root.parent_id, root.service) == ("root", None, "producer-api")
    assert (child.name, child.parent_id, child.kind) == ("doWork:5", root.id, SpanKind.CONSUMER)
    assert (child.start, child.duration) == (START // 1000, 1500)
    assert child.error == "Something wrong!"
    assert child.attributes == {
        "otel.scope.name": "waybill",
        "text": "a",
        "number": 3,
        "ratio": 0.5,
        "flag": True,
        "many": '["x"]',
        "span.kind": "consumer",
        "otel.status_code": "ERROR",
        "otel.status_description": "Something wrong!",
        "error": True,
    }
    (event,) = child.events
    assert (event.name, event.time, event.attributes) == ("log", (START + 1000) // 1000, {"k": 1})


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ([], "FOLLOWS_FROM"),
        ([attribute("opentracing.ref_type", string_value="child_of")], "CHILD_OF"),
        ([attribute("opentracing.ref_type", string_value="follows_from")], "FOLLOWS_FROM"),
    ],
)
def test_a_link_to_the_parent_is_one_reference_of_the_links_type(
    store: Store, attributes: list[KeyValue], kind: str
) -> None:
    """As Jaeger's translator has it."""
    parent = (1).to_bytes(8)
    whole = request(
        span(
            2, parent_span_id=parent, links=[Span.Link(trace_id=TRACE, span_id=parent, attributes=attributes)]
        )
    )
    store.add("/v1/traces", {}, whole.SerializeToString(), stored_spans(whole))

    ((found,),) = [trace["spans"] for trace in trace_answer(TRACE.hex(), store.spans(TRACE.hex()))["data"]]

    assert found["references"] == [{"refType": kind, "traceID": TRACE.hex(), "spanID": parent.hex()}]


def test_what_was_answered_survives_the_process(tmp_path: Path) -> None:
    """The store is not closed, as after a kill."""
    first = Store(tmp_path / "received.sqlite")
    client = create_app(first).test_client()
    answer = client.post("/v1/traces", data=request(span(1)).SerializeToString())
    assert answer.status_code == 200

    second = Store(tmp_path / "received.sqlite")

    assert second.waiting() == 1
    assert len(second.spans(TRACE.hex())) == 1


def test_a_batch_that_an_exporter_repeats_is_kept_once(store: Store) -> None:
    client = create_app(store).test_client()
    body = request(span(1), span(2)).SerializeToString()

    for _ in range(3):
        assert client.post("/v1/traces", data=body).status_code == 200
    assert client.post("/v1/metrics", data=b"m").status_code == 200

    assert store.waiting() == 2, "one request of spans, one of metrics"


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_what_is_not_otlp_is_refused_and_not_kept(store: Store, encoding: str) -> None:
    answer = (
        create_app(store)
        .test_client()
        .post("/v1/traces", data=b"\xff\xff\xff", headers={"Content-Encoding": encoding} if encoding else {})
    )

    assert answer.status_code == 400
    assert "not an OTLP request in protobuf" in answer.text
    assert store.waiting() == 0


def test_an_unknown_trace_is_answered_as_jaeger_does(store: Store) -> None:
    answer = create_app(store).test_client().get(f"/api/traces/{TRACE.hex()}")

    assert answer.status_code == 404
    assert answer.json is not None
    assert answer.json["errors"] == [{"code": 404, "msg": "trace not found"}]


class TestForwarding:
    @pytest.fixture
    def collector(self) -> Iterator[RawServer]:
        with raw_serving() as started:
            yield started

    def fill(self, store: Store, count: int) -> None:
        for number in range(count):
            store.add("/v1/traces", {"Content-Type": "application/x-protobuf"}, bytes([number]))

    def run(self, store: Store, url: str) -> Forwarder:
        forwarder = Forwarder(store, url)
        forwarder.start()
        return forwarder

    def test_everything_goes_out_in_order(self, store: Store, collector: RawServer) -> None:
        self.fill(store, 5)
        forwarder = self.run(store, collector.url)
        eventually(lambda: store.waiting() == 0, "everything is forwarded")
        forwarder.stop()

        assert collector.bodies == [bytes([number]) for number in range(5)]
        assert {path for path, _ in collector.received} == {"/v1/traces"}

    def test_nothing_is_lost_while_the_collector_is_away_or_busy(
        self, store: Store, collector: RawServer
    ) -> None:
        collector.statuses = [503, 429, 200, 502]
        self.fill(store, 3)
        forwarder = self.run(store, collector.url)
        eventually(lambda: store.waiting() == 0, "everything is forwarded")
        forwarder.stop()

        assert collector.bodies == [b"\0", b"\0", b"\0", b"\1", b"\1", b"\2"]

    def test_a_collector_that_is_not_there_is_asked_again(self, store: Store) -> None:
        self.fill(store, 1)
        forwarder = self.run(store, "http://127.0.0.1:1")
        forwarder.stop()

        assert store.waiting() == 1

    def test_what_the_collector_refuses_for_good_does_not_hold_up_the_rest(
        self, store: Store, collector: RawServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        collector.statuses = [400]
        self.fill(store, 2)
        forwarder = self.run(store, collector.url)
        eventually(lambda: store.waiting() == 0, "everything is forwarded")
        forwarder.stop()

        assert collector.bodies == [b"\0", b"\1"]
        assert "was refused by the collector" in capsys.readouterr().out
