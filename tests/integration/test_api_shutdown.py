"""The API that is told to stop ends its streams, and loses nothing."""

import signal
from concurrent.futures import ThreadPoolExecutor

import httpx

from local.stack import Stack
from tests.support import sse
from tests.support.reports import QUICK, QUICK_SPANS, ended
from tests.support.traces import Traces
from tests.support.waiting import within
from waybill_client import WaybillClient

SLOW = {"steps": 50, "failing_step": None, "max_step_ms": 600_000}


def test_open_streams_neither_hold_it_up_nor_cost_a_span(
    stack: Stack, http: httpx.Client, client: WaybillClient, traces: Traces
) -> None:
    slow = client.request("dowork", SLOW)
    with ThreadPoolExecutor(8) as pool:
        streams = [pool.submit(sse.listen, http, slow.id) for _ in range(8)]
        assert client.show(slow.id)
        last = [client.request("dowork", QUICK) for _ in range(5)]

        try:
            with within(10):
                stack.kill("producer-api", signal.SIGTERM)
                assert stack.wait_exit("producer-api") == 0
        finally:
            stack.start_part("producer-api")

        told = [stream.result() for stream in streams]

    assert all(events for events in told)
    for report in last:
        ended(client, report.id)
        trace = traces.whole(report.trace_id, "POST /api/v1/reports", *QUICK_SPANS)
        assert len(trace.spans) == 7
    seen = told[0][-1].id
    client.cancel(slow.id)
    rest = sse.listen(http, slow.id, last_event_id=seen)
    assert rest[0].id == seen + 1
    assert rest[-1].data["status"] == "cancelled"
