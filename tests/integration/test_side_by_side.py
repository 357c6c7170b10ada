"""Two stacks on one machine do not meet."""

import pytest

from local.stack import Stack
from tests.integration.conftest import start_stack
from tests.support.reports import QUICK_SPANS, run
from tests.support.traces import Traces
from waybill_client import JaegerClient, WaybillClient


def test_each_has_its_own_reports_and_traces(
    stack: Stack, client: WaybillClient, traces: Traces, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with (
        start_stack(tmp_path_factory.mktemp("beside")) as other,
        WaybillClient(other.endpoints.api_url) as other_client,
        JaegerClient(other.endpoints.jaeger_url) as other_jaeger,
    ):
        theirs, ours = run(other_client), run(client)

        assert [report.id for report in other_client.reports()] == [theirs.id]
        assert theirs.id not in {report.id for report in client.reports()}
        assert len(Traces(other_jaeger).whole(theirs.trace_id, *QUICK_SPANS).spans) == 7
        assert len(traces.whole(ours.trace_id, *QUICK_SPANS).spans) == 7
        assert traces.jaeger.trace(theirs.trace_id or "") is None
        assert not set(_ports(stack)) & set(_ports(other))

    stack.check()


def _ports(stack: Stack) -> list[str]:
    urls = stack.endpoints.environment().values()
    return [url.rpartition(":")[2].partition("/")[0] for url in urls]
