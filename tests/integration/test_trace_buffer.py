"""A report's spans reach Jaeger without loss and once each, also where Jaeger comes after the report."""

import hashlib
import json
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from local.install import jaeger, jaeger_release
from local.install.context import Context
from local.install.jaeger_release import Release
from local.installation import Installation
from local.process import Launcher
from local.progress import Task
from local.stack import Stack
from tests.support.http_server import serving
from tests.support.waiting import eventually
from waybill_client import ExpectedTrace, JaegerClient, Report, Trace, WaybillClient
from waybill_client.cli.trace_compare import SavedTrace, trace_json

STEPS = tuple(f"doWork:{number}" for number in range(10))
EXPECTED = ExpectedTrace(names=STEPS)


@pytest.fixture
def without_jaeger(tmp_path: Path) -> Iterator[Stack]:
    installation = replace(Installation.find(), jaeger=None, scripts=Path(sys.executable).parent)
    with Stack.start(tmp_path, installation=installation) as stack:
        yield stack


def run_dowork(stack: Stack) -> Report:
    with WaybillClient(stack.endpoints.api_url) as api:
        report = api.request("dowork", {})
        for _ in api.follow(report.id):
            pass
        return api.show(report.id)


def raw_spans(url: str, trace_id: str) -> list[dict[str, Any]]:
    """As Jaeger, or what stands in for it, answers, without anything of ours that would hide a repetition."""
    answer = httpx.get(f"{url}/api/traces/{trace_id}", trust_env=False)
    spans: list[dict[str, Any]] = answer.json()["data"][0]["spans"] if answer.is_success else []
    return spans


def references(url: str, trace_id: str) -> dict[str, Any]:
    """What each span refers to."""
    return {span["spanID"]: span["references"] for span in raw_spans(url, trace_id)}


def saved(trace: Trace) -> SavedTrace:
    return SavedTrace({span["id"]: span for span in json.loads(json.dumps(trace_json(trace)))["spans"]})


def test_spans_wait_for_jaeger_and_reach_it_once(without_jaeger: Stack) -> None:
    stack = without_jaeger
    report = run_dowork(stack)
    assert report.trace_id is not None
    with JaegerClient(stack.endpoints.trace_buffer_url) as buffer:
        before = saved(buffer.wait_for(report.trace_id, EXPECTED))

        stack.kill("trace-buffer", 9)
        stack.wait_exit("trace-buffer")
        stack.start_part("trace-buffer")
        assert saved(buffer.wait_for(report.trace_id, EXPECTED)) == before

    binary = Installation.find().jaeger
    assert binary is not None
    stack.add_jaeger(binary)
    later = run_dowork(stack)

    with JaegerClient(stack.endpoints.jaeger_url) as client:
        assert before.differences(client.wait_for(report.trace_id, EXPECTED)) == []
        assert later.trace_id is not None
        client.wait_for(later.trace_id, EXPECTED)
    assert references(stack.endpoints.trace_buffer_url, report.trace_id) == references(
        stack.endpoints.jaeger_url, report.trace_id
    )
    for trace_id in (report.trace_id, later.trace_id):
        ids = Counter(span["spanID"] for span in raw_spans(stack.endpoints.jaeger_url, trace_id))
        assert len(ids) == 15
        assert set(ids.values()) == {1}


def test_jaeger_answers_each_span_once_where_a_batch_was_sent_twice(stack: Stack) -> None:
    """What forwarding relies on where the collector's answer was lost."""
    trace_id = bytes(range(100, 116))
    spans = [
        Span(
            trace_id=trace_id,
            span_id=number.to_bytes(8),
            name=f"span {number}",
            start_time_unix_nano=1_795_457_049_672_498_765,
            end_time_unix_nano=1_795_457_049_672_999_999,
        )
        for number in (1, 2, 3)
    ]
    resource = Resource(attributes=[KeyValue(key="service.name", value=AnyValue(string_value="repeated"))])
    body = ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(resource=resource, scope_spans=[ScopeSpans(spans=spans)])]
    ).SerializeToString()

    for _ in range(2):
        answer = httpx.post(
            f"{stack.endpoints.otlp_endpoint}/v1/traces",
            content=body,
            headers={"Content-Type": "application/x-protobuf"},
            trust_env=False,
        )
        assert answer.status_code == 200
        eventually(lambda: raw_spans(stack.endpoints.jaeger_url, trace_id.hex()), "the spans are in Jaeger")

    assert sorted(
        span["operationName"] for span in raw_spans(stack.endpoints.jaeger_url, trace_id.hex())
    ) == [
        "span 1",
        "span 2",
        "span 3",
    ]


def test_a_real_archive_of_the_release_s_layout_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Packed from the Jaeger that is here; the release itself is out of reach of these tests."""
    binary = Installation.find().jaeger
    assert binary is not None
    release = Release("9.9.9")
    name = release.name(jaeger_release.this_platform())
    archive = tmp_path / "archive.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=1) as packed:
        packed.add(binary, f"{name}/jaeger")
    content = archive.read_bytes()
    with binary.open("rb") as file:
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
    with serving() as server:
        server.routes[f"GET /v9.9.9/{name}.tar.gz"] = lambda request: request.bytes(
            content, "application/gzip"
        )
        server.routes[f"GET /v9.9.9/{name}.sha256sum.txt"] = lambda request: request.bytes(
            f"{checksum} *{name}/jaeger\n".encode(), "text/plain"
        )
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.setenv("PATH", "/usr/bin:/bin")
        monkeypatch.setattr(jaeger_release, "RELEASE", Release("9.9.9", {}, server.url))
        with Launcher() as launcher:
            jaeger.install(Context(launcher, tmp_path / "log", Task("jaeger")))

    found = jaeger.find()
    assert found is not None
    assert found.is_relative_to(tmp_path / "cache")
    assert found.stat().st_size == binary.stat().st_size
