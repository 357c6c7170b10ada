"""Traces as Jaeger's API v3 gives them: OpenTelemetry's own form, with scopes, links and exact parents."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx

from tests.support.carriers import ForeignSpan
from tests.support.waiting import PATIENCE, eventually
from waybill_client import ExpectedTrace, JaegerClient, Report
from waybill_client.jaeger import SERVICES

KINDS = {1: "INTERNAL", 2: "SERVER", 3: "CLIENT", 4: "PRODUCER", 5: "CONSUMER"}

_PARENT_IS_REMOTE = 0x200


@dataclass(frozen=True)
class Event:
    name: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Span:
    """Times are nanoseconds since 1970; `links` are span ids with their trace ids."""

    trace_id: str
    id: str
    parent_id: str | None
    name: str
    kind: str
    service: str
    scope: str
    start: int
    end: int
    parent_is_remote: bool
    links: tuple[tuple[str, str], ...]
    attributes: Mapping[str, Any]
    events: tuple[Event, ...]
    failed: bool
    status: str


@dataclass(frozen=True)
class Trace:
    spans: tuple[Span, ...]

    def __getitem__(self, name: str) -> Span:
        """The only span of that name."""
        (span,) = self.all(name)
        return span

    def all(self, name: str) -> list[Span]:
        """In the order in which they began."""
        return [span for span in self.spans if span.name == name]

    @property
    def names(self) -> Counter[str]:
        return Counter(span.name for span in self.spans)

    def outline(self) -> str:
        """The tree as text: service, kind and name, each below its parent, which must be there."""
        ids = {span.id for span in self.spans}
        orphans = [span.name for span in self.spans if span.parent_id and span.parent_id not in ids]
        assert not orphans, f"the parents of {orphans} are not there"
        return "\n".join(self._lines(None, ""))

    def _lines(self, parent_id: str | None, indent: str) -> Iterator[str]:
        for span in self.spans:
            if span.parent_id == parent_id:
                yield f"{indent}{span.service} {span.kind} {span.name}"
                yield from self._lines(span.id, f"{indent}  ")


@dataclass(frozen=True)
class Traces:
    """Reads traces when all of them has arrived."""

    jaeger: JaegerClient

    def whole(self, trace_id: str | None, *names: str, services: Iterable[str] = SERVICES) -> Trace:
        """Waits for every one of `services`, for every span's parent, and for `names`."""
        assert trace_id
        self.jaeger.wait_for(trace_id, ExpectedTrace(frozenset(services), names), timeout=PATIENCE)
        return self.now(trace_id)

    def published_at_once(self, ask: Callable[[], Report], *names: str) -> tuple[Report, Trace]:
        """A report that was asked for, and has ended, with its trace, as `whole`. Where the process that
        accepts a report comes to publish it too late, on a slow machine, another one does: then once more."""

        def look() -> tuple[Report, Trace] | None:
            report = ask()
            trace = self.whole(report.trace_id, *names)
            return (report, trace) if trace["report_producer"].service == "producer-api" else None

        return eventually(look, "a report whose command was published at once")

    def of_caller(self, caller: ForeignSpan, *names: str) -> Trace:
        """Waits for `names`; the spans whose parent is `caller` are the roots."""

        def look() -> Trace | None:
            spans = self.now(caller.trace_id).spans
            trace = Trace(
                tuple(
                    replace(span, parent_id=None) if span.parent_id == caller.id else span for span in spans
                )
            )
            return trace if set(names) <= set(trace.names) else None

        return eventually(look, f"{', '.join(names)} in trace {caller.trace_id}")

    def now(self, trace_id: str) -> Trace:
        """What has arrived."""
        answer = httpx.get(f"{self.jaeger.url}/api/v3/traces/{trace_id}", trust_env=False, timeout=30)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return Trace(())
        spans = _read(answer.raise_for_status().json())
        return Trace(tuple(sorted(spans, key=lambda span: span.start)))

    def references(self, trace_id: str) -> dict[str, dict[str, str]]:
        """By span id, what Jaeger's classic API says of it: the type of the reference to each span."""
        answer = httpx.get(f"{self.jaeger.url}/api/traces/{trace_id}", trust_env=False, timeout=30)
        return {
            span["spanID"]: {reference["spanID"]: reference["refType"] for reference in span["references"]}
            for span in answer.raise_for_status().json()["data"][0]["spans"]
        }

    def check_classic(self, trace: Trace) -> None:
        """Its views of the critical path and of comparisons go along CHILD_OF alone."""
        references = self.references(trace.spans[0].trace_id)
        for span in trace.spans:
            if span.parent_id:
                assert references[span.id][span.parent_id] == "CHILD_OF", span.name

    def operations(self, service: str) -> set[str]:
        """The names of all spans that a service has ever sent."""
        answer = httpx.get(f"{self.jaeger.url}/api/services/{service}/operations", trust_env=False)
        return set(answer.raise_for_status().json()["data"])


def _read(answer: Mapping[str, Any]) -> Iterator[Span]:
    for resource_spans in answer["result"]["resourceSpans"]:
        service = _attributes(resource_spans["resource"])["service.name"]
        for scope_spans in resource_spans["scopeSpans"]:
            for span in scope_spans["spans"]:
                yield _span(span, service, scope_spans["scope"]["name"])


def _span(span: Mapping[str, Any], service: str, scope: str) -> Span:
    status = span.get("status", {})
    return Span(
        trace_id=span["traceId"],
        id=span["spanId"],
        parent_id=span.get("parentSpanId") or None,
        name=span["name"],
        kind=KINDS[span["kind"]],
        service=service,
        scope=scope,
        start=int(span["startTimeUnixNano"]),
        end=int(span["endTimeUnixNano"]),
        parent_is_remote=bool(span.get("flags", 0) & _PARENT_IS_REMOTE),
        links=tuple((link["traceId"], link["spanId"]) for link in span.get("links", ())),
        attributes=_attributes(span),
        events=tuple(Event(event["name"], _attributes(event)) for event in span.get("events", ())),
        failed=status.get("code") == 2,
        status=status.get("message", ""),
    )


def _attributes(holder: Mapping[str, Any]) -> dict[str, Any]:
    return {item["key"]: _value(item["value"]) for item in holder.get("attributes", ())}


def _value(value: Mapping[str, Any]) -> Any:
    ((kind, content),) = value.items()
    return int(content) if kind == "intValue" else content
