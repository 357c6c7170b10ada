"""One trace for one report: the exact tree, as Jaeger has it."""

import re
from collections import Counter

import httpx
import pytest

from tests.support.carriers import ForeignSpan
from tests.support.kafka import Topics
from tests.support.reports import QUICK, QUICK_SPANS, ended, run
from tests.support.traces import Trace, Traces
from waybill_client import WaybillClient

STEPS = tuple(f"doWork:{number}" for number in range(10))

TREE = """\
producer-api SERVER {root}
  producer-api INTERNAL report_request
    producer-api PRODUCER report_producer
      report-worker CONSUMER report_consumer
        report-worker INTERNAL handle_report
          report-worker INTERNAL doWork:0
          report-worker INTERNAL doWork:1
          report-worker INTERNAL doWork:2
          report-worker INTERNAL doWork:3
          report-worker INTERNAL doWork:4
          report-worker INTERNAL doWork:5
          report-worker INTERNAL doWork:6
          report-worker INTERNAL doWork:7
          report-worker INTERNAL doWork:8
          report-worker INTERNAL doWork:9"""


@pytest.fixture(scope="module")
def posted(client: WaybillClient, traces: Traces) -> Trace:
    """The trace of the article's job."""
    return traces.published_at_once(lambda: run(client, "dowork", {}), *STEPS)[1]


class TestTree:
    def test_a_posted_report_has_exactly_the_tree_of_the_design(self, posted: Trace) -> None:
        assert posted.outline() == TREE.format(root="POST /api/v1/reports")

    def test_the_articles_call_has_the_same_tree(
        self, http: httpx.Client, client: WaybillClient, traces: Traces
    ) -> None:
        _, trace = traces.published_at_once(
            lambda: ended(client, http.get("/api/report").json()["id"]), *STEPS
        )

        assert trace.outline() == TREE.format(root="GET /api/report")

    def test_it_is_one_trace_of_distinct_spans(self, posted: Trace) -> None:
        assert len({span.trace_id for span in posted.spans}) == 1
        assert len({span.id for span in posted.spans}) == len(posted.spans) == 15

    def test_only_flask_and_we_make_spans(self, posted: Trace) -> None:
        scopes = Counter(span.scope for span in posted.spans)

        assert scopes == {"opentelemetry.instrumentation.flask": 1, "waybill": 14}
        assert posted["POST /api/v1/reports"].scope == "opentelemetry.instrumentation.flask"

    def test_the_answer_names_the_trace(self, client: WaybillClient, traces: Traces) -> None:
        report = client.request("dowork", QUICK)

        assert traces.whole(ended(client, report.id).trace_id).spans[0].trace_id == report.trace_id


class TestThroughKafka:
    def test_the_consumer_is_the_remote_child_of_the_producer_and_linked_to_it(self, posted: Trace) -> None:
        producer, consumer = posted["report_producer"], posted["report_consumer"]

        assert consumer.parent_id == producer.id
        assert consumer.parent_is_remote
        assert consumer.links == ((producer.trace_id, producer.id),)

    def test_jaegers_classic_api_has_every_span_as_a_child_of_its_parent(
        self, posted: Trace, traces: Traces
    ) -> None:
        traces.check_classic(posted)

    def test_the_time_in_kafka_is_on_the_consumer(self, posted: Trace) -> None:
        producer, consumer = posted["report_producer"], posted["report_consumer"]

        gap_ms = (consumer.start - producer.start) / 1e6

        assert gap_ms > 0
        assert consumer.attributes["report.queue_time_ms"] >= 0
        assert consumer.attributes["report.queue_time_ms"] == pytest.approx(gap_ms, abs=50)

    def test_the_attributes_are_those_of_the_messaging_conventions(
        self, posted: Trace, topics: Topics
    ) -> None:
        producer, consumer = posted["report_producer"].attributes, posted["report_consumer"].attributes
        report_id = consumer["report.id"]
        (command,) = topics.records_of("report", report_id)
        both = {
            "messaging.system": "kafka",
            "messaging.destination.name": "report",
            "messaging.destination.partition.id": str(command.partition),
            "messaging.kafka.offset": command.offset,
            "messaging.kafka.message.key": report_id,
            "messaging.message.conversation_id": report_id,
            "server.address": "127.0.0.1",
        }

        assert (
            producer.items()
            >= {
                **both,
                "messaging.operation.name": "send",
                "messaging.operation.type": "send",
            }.items()
        )
        assert (
            consumer.items()
            >= {
                **both,
                "messaging.operation.name": "process",
                "messaging.operation.type": "process",
                "messaging.consumer.group.name": "report-worker",
            }.items()
        )
        assert producer["server.port"] == consumer["server.port"] > 0
        assert re.match("producer-api@", producer["messaging.client.id"])
        assert re.match("report-worker@", consumer["messaging.client.id"])

    def test_the_command_carries_the_producer_once_in_the_headers_and_in_the_value(
        self, posted: Trace, topics: Topics
    ) -> None:
        producer = posted["report_producer"]
        (command,) = topics.records_of("report", producer.attributes["messaging.kafka.message.key"])

        (header,) = command.header("traceparent")

        assert header is not None
        assert header.decode().split("-")[1:3] == [producer.trace_id, producer.id]
        assert command.json["traceparent"] == header.decode()

    def test_reports_one_after_the_other_do_not_mix(self, client: WaybillClient, traces: Traces) -> None:
        asked = [client.request("dowork", QUICK) for _ in range(4)]

        for report in asked:
            trace = traces.whole(ended(client, report.id).trace_id, *QUICK_SPANS)

            assert len(trace.spans) == 7
            assert trace["handle_report"].attributes["report.id"] == str(report.id)

        assert len({report.trace_id for report in asked}) == len(asked)


class TestFailingStep:
    def test_only_the_failing_step_has_an_exception(self, posted: Trace) -> None:
        with_exception = [
            span.name for span in posted.spans if any(event.name == "exception" for event in span.events)
        ]

        assert with_exception == ["doWork:5"]

    def test_it_says_what_the_article_says(self, posted: Trace) -> None:
        step = posted["doWork:5"]
        exception, log = step.events

        assert step.failed
        assert step.status == "Something wrong!"
        assert exception.attributes["exception.message"] == "Something wrong!"
        assert log.name == "log"
        assert log.attributes == {"log.severity": "error", "log.message": "doWork:5 error"}

    def test_the_other_steps_run_on_and_handle_report_says_why_it_failed(self, posted: Trace) -> None:
        failed = {span.name for span in posted.spans if span.failed}

        assert failed == {"doWork:5", "handle_report"}
        assert posted["handle_report"].status == "doWork:5: Something wrong!"
        assert posted["handle_report"].attributes["error.type"] == "step_failed"


class TestCaller:
    def test_a_callers_trace_goes_on(self, http: httpx.Client, client: WaybillClient, traces: Traces) -> None:
        caller = ForeignSpan()

        asked = http.post(
            "/api/v1/reports",
            json={"kind": "dowork", "parameters": QUICK},
            headers={"traceparent": caller.traceparent, "tracestate": "vendor=1"},
        ).json()

        assert asked["trace_id"] == caller.trace_id
        ended(client, asked["id"])
        assert len(traces.of_caller(caller, "POST /api/v1/reports", *QUICK_SPANS).spans) == 7

    def test_baggage_stays_outside_of_kafka(
        self, http: httpx.Client, client: WaybillClient, topics: Topics
    ) -> None:
        asked = http.post(
            "/api/v1/reports",
            json={"kind": "dowork", "parameters": QUICK},
            headers={"baggage": "customer=secret", "traceparent": ForeignSpan().traceparent},
        ).json()
        ended(client, asked["id"])

        for topic in ("report", "report-status"):
            for record in topics.records_of(topic, asked["id"]):
                assert {name for name, _ in record.headers} <= {"traceparent", "tracestate"}
                assert b"secret" not in (record.value or b"")


def test_probes_and_status_streams_make_no_spans(
    http: httpx.Client, client: WaybillClient, traces: Traces
) -> None:
    report = client.request("dowork", QUICK)
    assert http.get("/healthz").is_success
    assert http.get("/readyz?verbose=1").is_success
    assert list(client.follow(report.id))
    traces.whole(run(client).trace_id)  # by then the others would have arrived too

    operations = traces.operations("producer-api")

    assert not [name for name in operations if "health" in name or "ready" in name or "events" in name]
