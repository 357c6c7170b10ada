"""What jobs print and log goes out as OpenTelemetry's log records, where that is asked for."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from tests.support import lifecycle as ask
from tests.support.http_server import running
from tests.support.lifecycle_stack import WORKER, LifecycleStack
from tests.support.traces import Traces
from tests.support.waiting import eventually

pytest_plugins = ["tests.support.lifecycle_fixtures"]


class Receiver(ThreadingHTTPServer):
    """Of a collector, what takes log records."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Request)
        self.records: list[LogRecord] = []


class _Request(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        assert isinstance(self.server, Receiver)
        assert self.path == "/v1/logs"
        sent = ExportLogsServiceRequest.FromString(body)
        for resource in sent.resource_logs:
            for scope in resource.scope_logs:
                self.server.records.extend(scope.log_records)
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@contextmanager
def worker_that_sends(lifecycle: LifecycleStack, port: int) -> Iterator[None]:
    """In place of the other one."""
    settings = {
        **lifecycle.settings,
        "WAYBILL_LOGS_OTLP": "true",
        "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": f"http://127.0.0.1:{port}/v1/logs",
        "OTEL_BLRP_SCHEDULE_DELAY": "200",
    }
    with lifecycle.killed(WORKER), replace(lifecycle, settings=settings).second_worker():
        yield


def attributes(record: LogRecord) -> dict[str, str]:
    return {one.key: one.value.string_value for one in record.attributes}


def test_each_record_is_in_the_trace_at_the_span_of_its_step(
    api: httpx.Client, lifecycle: LifecycleStack, traces: Traces
) -> None:
    """And a job does not notice that the collector is away."""
    port = lifecycle.ports["otlp-logs"]
    with worker_that_sends(lifecycle, port):
        assert ask.run(api, "talk", ways=["print", "log"])["status"] == "done"
        receiver = Receiver(port)
        with running(receiver):
            report = ask.run(api, "talk", ways=["print", "log"], text="hello password=hunter2")
            found = eventually(lambda: of_report(receiver, report["id"]), "the report's log records")

    trace = traces.whole(report["trace_id"], "print", "log")
    by_step = {attributes(one).get("report.step"): one for one in found}
    assert set(by_step) == {None, "print", "log"}
    for step in ("print", "log"):
        (span,) = trace.all(step)
        assert (by_step[step].trace_id.hex(), by_step[step].span_id.hex()) == (report["trace_id"], span.id)
    assert by_step[None].trace_id == b""
    logged = [one for one in found if attributes(one).get("log.logger") == "talk.logger"]
    assert [one.severity_text for one in logged] == ["INFO", "ERROR"]
    assert {attributes(one).get("log.iostream") for one in found} == {None, "stdout", "stderr"}
    assert "hunter2" not in str(found)


def of_report(receiver: Receiver, report_id: str) -> list[LogRecord] | None:
    """All of them, once the last is there."""
    found = [one for one in receiver.records if attributes(one)["report.id"] == report_id]
    return found if any(one.body.string_value == "after all steps" for one in found) else None
