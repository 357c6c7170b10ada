"""Nobody's span names fill the collector, through which every report's trace passes."""

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from local.installation import Installation
from local.parts import telemetry
from local.ports import Ports
from local.run_dir import RunDir
from local.runner import Runner
from local.stack import Stack
from tests.support.otlp import send_spans
from tests.support.reports import QUICK, QUICK_SPANS, ended
from tests.support.traces import Traces
from tests.support.waiting import eventually
from waybill_client import WaybillClient

NAMES = 15_000
LIMIT = 300
"""`aggregation_cardinality_limit`: names beyond it are one series."""


def series(metrics_url: str, service: str) -> list[str]:
    """The call counters that the collector has for a service."""
    text = httpx.get(metrics_url, trust_env=False, timeout=60).raise_for_status().text
    return [
        line
        for line in text.splitlines()
        if line.startswith("traces_span_metrics_calls_total{") and f'service_name="{service}"' in line
    ]


def invented(count: int) -> Iterator[str]:
    return (f"GET /x/{secrets.token_hex(12)}" for _ in range(count))


def straight_to_the_collector(stack: Stack) -> str:
    assert send_spans(stack.endpoints.otlp_endpoint, "flood", invented(NAMES)) == NAMES
    return "flood"


def through_the_api(stack: Stack) -> str:
    limits = httpx.Limits(max_connections=8)
    with (
        httpx.Client(base_url=stack.endpoints.api_url, trust_env=False, timeout=30, limits=limits) as http,
        ThreadPoolExecutor(8) as pool,
    ):
        list(pool.map(lambda name: http.get(name.removeprefix("GET ")), invented(NAMES)))
    return "producer-api"


@pytest.mark.parametrize("flood", [straight_to_the_collector, through_the_api])
def test_after_a_flood_of_span_names_new_traces_are_whole(
    stack: Stack, client: WaybillClient, traces: Traces, flood: Callable[[Stack], str]
) -> None:
    service = flood(stack)

    found = eventually(
        lambda: series(stack.endpoints.span_metrics_url, service), f"span metrics of {service}"
    )
    asked = [client.request("dowork", QUICK) for _ in range(10)]

    assert len(found) <= LIMIT + 1
    for report in asked:
        assert len(traces.whole(ended(client, report.id).trace_id, *QUICK_SPANS).spans) == 7


class TestSpanMetrics:
    @pytest.fixture
    def collector(self, tmp_path: Path) -> Iterator[Ports]:
        """One of its own, that is quick: it makes metrics often, and forgets them soon."""
        binary = Installation.find().jaeger
        assert binary is not None
        run_dir, ports = RunDir(tmp_path), Ports.free()
        run_dir.open(fresh=True)
        part = telemetry.collector(binary, ports)
        quick = (
            "--set=connectors.spanmetrics.metrics_flush_interval=100ms",
            "--set=connectors.spanmetrics.metrics_expiration=3s",
            "--set=exporters.prometheus.metric_expiration=1s",
        )
        runner = Runner(run_dir)
        try:
            runner.start([replace(part, command=(*part.command, *quick), needs=())], lambda *_: None)
            yield ports
        finally:
            runner.stop(lambda *_: None)
            ports.release()
            run_dir.close()

    def test_names_beyond_the_limit_are_one_series_and_what_is_silent_is_forgotten(
        self, collector: Ports
    ) -> None:
        endpoint = f"http://127.0.0.1:{collector['otlp-http']}"
        metrics = f"http://127.0.0.1:{collector['collector-span-metrics']}/metrics"

        assert send_spans(endpoint, "flood", invented(LIMIT * 2)) == LIMIT * 2

        def overflow() -> list[str]:
            found = series(metrics, "flood")
            assert len(found) <= LIMIT + 1
            return [
                line for line in found if 'otel_metric_overflow="true"' in line and line.endswith(f" {LIMIT}")
            ]

        eventually(overflow, "one series has the other names")
        eventually(lambda: not series(metrics, "flood"), "they are forgotten")

    def test_the_processes_of_a_service_in_one_place_share_their_series(self, collector: Ports) -> None:
        """A worker replaces its slots: each new process would else bring series of its own."""
        endpoint = f"http://127.0.0.1:{collector['otlp-http']}"
        metrics = f"http://127.0.0.1:{collector['collector-span-metrics']}/metrics"

        for process in ("one", "two"):
            send_spans(endpoint, "slots", iter(["doWork:0"]), instance=process)

        eventually(lambda: [line.endswith(" 2") for line in series(metrics, "slots")] == [True], "one series")
