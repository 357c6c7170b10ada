"""Jaeger's query API."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from waybill_client.errors import ProblemError, TraceIncompleteError, UnexpectedAnswerError
from waybill_client.http import IMPATIENT, TIMEOUT, Client, RetryPolicy, Server
from waybill_client.trace import SpanKind, Trace, read_trace

SERVICES = frozenset({"producer-api", "report-worker"})
"""Every report passes through both."""

_POLL_SECONDS = 0.2
_ONCE = RetryPolicy(attempts=1, timeout=2.0)
_NOT_FOUND = 404


@dataclass(frozen=True)
class ExpectedTrace:
    """What must have arrived for a trace to be whole, besides the parent of every span.

    Each process sends its spans by itself and in no order, so a trace can look whole before it is:
    `names` are the spans that must be there, as often as they are given.
    """

    services: frozenset[str] = SERVICES
    names: tuple[str, ...] = ()

    def missing(self, trace: Trace | None) -> list[str]:
        """What has not arrived, in words; empty when the trace is whole."""
        if trace is None:
            return ["nothing of it has arrived"]
        services = self.services - set(trace.services)
        absent = Counter(self.names) - Counter(span.name for span in trace.spans)
        return [
            *([f"no span of {_listed(sorted(services))} has arrived"] if services else ()),
            *(f"the parent of {_listed(names)} has not arrived" for names in _orphans_by_parent(trace)),
            *([f"{_listed(list(absent.elements()))} not received"] if absent else ()),
        ]


@dataclass(frozen=True)
class TraceSource:
    """What answers Jaeger's API. `no_pages` says why it has no web pages; None where it has them."""

    name: str
    no_pages: str | None = None


_BUFFER = TraceSource("the local trace buffer", "this is the local trace buffer, Jaeger is not there yet")
_JAEGER = TraceSource("Jaeger")
_WITHOUT_PAGES = TraceSource("Jaeger", "this Jaeger was built without its web pages")
_BUFFER_PRODUCT = "waybill-trace-buffer"
"""In the header `Server`."""
_PLACEHOLDER = "not compiled with the UI assets"
"""On the page that takes the place of Jaeger's own where it was built from its Go module alone."""


class JaegerClient(Client):
    """Reads traces. Threads may share one; close it when done.

    Every method raises `ServerUnreachableError`, `ProblemError` or `UnexpectedAnswerError`.
    """

    def __init__(
        self,
        url: str,
        retry: RetryPolicy = IMPATIENT,
        timeout: float = TIMEOUT,
        ca_file: Path | None = None,
    ) -> None:
        """`timeout`: seconds within which each call ends, however Jaeger behaves. `ca_file` as
        `WaybillClient` has it."""
        super().__init__(Server("Jaeger", url, retry, timeout, ca_file=ca_file))

    def page(self, trace_id: str) -> str:
        """Where a person looks at the trace in a browser, where `source` has pages."""
        return f"{self.url}/trace/{trace_id}"

    def data(self, trace_id: str) -> str:
        """Where the trace is as JSON."""
        return f"{self.url}/api/traces/{trace_id}"

    @cached_property
    def source(self) -> TraceSource:
        """What answers here, asked once."""
        try:
            deadline = self._server.deadline(_ONCE)
            with closing(self._server.open("GET", "/", retry=_ONCE, deadline=deadline)) as answer:
                if answer.headers.get("Server") == _BUFFER_PRODUCT:
                    return _BUFFER
                page = self._server.text(answer, deadline)
                return _WITHOUT_PAGES if _PLACEHOLDER in page else _JAEGER
        except ProblemError as error:
            return TraceSource("Jaeger", f"there is no page at its address ({error.status})")

    def trace(self, trace_id: str) -> Trace | None:
        """What has arrived of a trace; None when nothing has."""
        try:
            answer = self._server.get(f"/api/traces/{trace_id}")
        except ProblemError as error:
            if error.status == _NOT_FOUND:
                return None
            raise
        try:
            return read_trace(answer)
        except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
            raise UnexpectedAnswerError(
                f"{self.url} answered with a trace that is not understood."
            ) from error

    def wait_for(
        self, trace_id: str, expected: ExpectedTrace = ExpectedTrace(), timeout: float = 30.0
    ) -> Trace:
        """Blocks until all of a trace has arrived; `TraceIncompleteError` after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while True:
            trace = self.trace(trace_id)
            missing = expected.missing(trace)
            if trace is not None and not missing:
                return trace
            if time.monotonic() >= deadline:
                raise TraceIncompleteError(trace_id, timeout, missing, trace)
            time.sleep(_POLL_SECONDS)


def _orphans_by_parent(trace: Trace) -> Iterable[list[str]]:
    """The names of the spans of each parent that has not arrived.

    A request's parent is not waited for: it is its caller's, who sends spans elsewhere or nowhere.
    """
    names: defaultdict[str | None, list[str]] = defaultdict(list)
    for span in trace.orphans:
        if span.kind is not SpanKind.SERVER:
            names[span.parent_id].append(span.name)
    return names.values()


def _listed(words: Sequence[str]) -> str:
    """The first few in words, and how many more."""
    shown = ", ".join(words[:3])
    return f"{shown} and {len(words) - 3} more" if len(words) > 3 else shown
