"""Waybill's API and Jaeger's query API from Python, as typed values; errors are sentences."""

from waybill.client.api import WaybillClient
from waybill.client.errors import (
    ArtefactError,
    ClientError,
    ProblemError,
    ServerUnreachableError,
    TraceIncompleteError,
    UnexpectedAnswerError,
)
from waybill.client.http import RetryPolicy
from waybill.client.jaeger import ExpectedTrace, JaegerClient
from waybill.client.models import ArtefactLink, KindInfo, Report
from waybill.client.trace import Event, Node, QueueTime, Span, SpanKind, Trace, read_trace

__all__ = [
    "ArtefactError",
    "ArtefactLink",
    "ClientError",
    "Event",
    "ExpectedTrace",
    "JaegerClient",
    "KindInfo",
    "Node",
    "ProblemError",
    "QueueTime",
    "Report",
    "RetryPolicy",
    "ServerUnreachableError",
    "Span",
    "SpanKind",
    "Trace",
    "TraceIncompleteError",
    "UnexpectedAnswerError",
    "WaybillClient",
    "read_trace",
]
