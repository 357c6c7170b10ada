"""The programs of the article that Waybill started from work with it as they are."""

import json
from typing import Any, Protocol

import pytest

from tests.support import node
from tests.support.carriers import ForeignSpan
from tests.support.database import Database
from tests.support.kafka import Record, Topics
from tests.support.reports import asked_by, ended, run
from tests.support.traces import Traces
from waybill_client import WaybillClient

TREE = """\
report-worker CONSUMER report_consumer
  report-worker INTERNAL handle_report
""" + "\n".join(f"    report-worker INTERNAL doWork:{number}" for number in range(10))


class Article(Protocol):
    """The article's two programs."""

    def consume(self, key: str) -> tuple[str, str]:
        """Reads the message with this key: trace id and parent id of the span that it makes."""

    def produce(self) -> tuple[ForeignSpan, Record]:
        """Sends a message: the span inside which it did, and where the message is."""


class InPython:
    """What they do, step by step, without OpenTelemetry."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics

    def consume(self, key: str) -> tuple[str, str]:
        (message,) = self._topics.records_of("report", key)
        assert message.value is not None
        carrier = json.loads(message.value)
        _, trace_id, span_id, _ = carrier["traceparent"].split("-")
        return trace_id, span_id

    def produce(self) -> tuple[ForeignSpan, Record]:
        span = ForeignSpan()
        value = json.dumps({"traceparent": span.traceparent}).encode()
        (stored,) = self._topics.send("report", Record(value, key=b"report"))
        return span, stored


class InNode:
    """Themselves, on kafkajs and OpenTelemetry for JavaScript."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._node = node.Node.installed()

    def consume(self, key: str) -> tuple[str, str]:
        span = self._node.run("consumer.js", self._bootstrap, key)
        assert span["parentIsRemote"]
        return span["traceId"], span["parentId"]

    def produce(self) -> tuple[ForeignSpan, Record]:
        sent: dict[str, Any] = self._node.run("producer.js", self._bootstrap)
        span = ForeignSpan(sent["traceId"], sent["spanId"])
        return span, Record(None, partition=sent["partition"], offset=sent["offset"])


@pytest.fixture(params=["python", "node"])
def article(request: pytest.FixtureRequest, topics: Topics) -> Article:
    if request.param == "python":
        return InPython(topics)
    if (program := node.missing()) is not None:
        pytest.skip(f"no {program}, for the article's own client: put it on the PATH")
    return InNode(topics.bootstrap)


def test_its_consumer_continues_our_trace(article: Article, client: WaybillClient, traces: Traces) -> None:
    report = run(client)

    trace_id, parent_id = article.consume(str(report.id))

    assert trace_id == report.trace_id
    assert parent_id == traces.whole(trace_id)["report_producer"].id


def test_its_producer_gets_a_dowork_report_inside_its_trace(
    article: Article, client: WaybillClient, database: Database, traces: Traces
) -> None:
    span, sent = article.produce()

    report = ended(client, asked_by(database, sent))

    assert (report.kind, report.status, report.attempt) == ("dowork", "fail", 1)
    assert report.trace_id == span.trace_id
    trace = traces.of_caller(span, "doWork:9", "handle_report", "report_consumer")
    assert trace.outline() == TREE
    assert trace["report_consumer"].links == ((span.trace_id, span.id),)
    assert trace["report_consumer"].parent_is_remote
