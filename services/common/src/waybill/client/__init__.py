"""Waybill's API and Jaeger's query API from Python, as typed values; errors are sentences."""

from waybill.client.api import WaybillClient
from waybill.client.errors import (
    ArtefactError,
    ClientError,
    NotSendableError,
    ProblemError,
    ServerUnreachableError,
    TraceIncompleteError,
    UnexpectedAnswerError,
)
from waybill.client.http import RetryPolicy
from waybill.client.jaeger import ExpectedTrace, JaegerClient, TraceSource
from waybill.client.models import ArtefactLink, KindInfo, Redriven, Report
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
    "NotSendableError",
    "ProblemError",
    "QueueTime",
    "Redriven",
    "Report",
    "RetryPolicy",
    "ServerUnreachableError",
    "Span",
    "SpanKind",
    "Trace",
    "TraceIncompleteError",
    "TraceSource",
    "UnexpectedAnswerError",
    "WaybillClient",
    "read_trace",
]
