"""Waybill's API and Jaeger's query API from Python, as typed values; errors are sentences."""

from waybill_client.api import WaybillClient
from waybill_client.errors import (
    ArtefactError,
    ClientError,
    NotSendableError,
    ProblemError,
    ServerUnreachableError,
    TraceIncompleteError,
    UnexpectedAnswerError,
)
from waybill_client.http import RetryPolicy
from waybill_client.jaeger import ExpectedTrace, JaegerClient, TraceSource
from waybill_client.models import (
    TERMINAL,
    ArtefactLink,
    KindInfo,
    KindList,
    Redriven,
    Report,
    Status,
    StatusEvent,
    StatusEventType,
    StepStatus,
    UnavailableKind,
)
from waybill_client.trace import SPINE, Event, Node, QueueTime, Span, SpanKind, Trace, read_trace

__all__ = [
    "SPINE",
    "TERMINAL",
    "ArtefactError",
    "ArtefactLink",
    "ClientError",
    "Event",
    "ExpectedTrace",
    "JaegerClient",
    "KindInfo",
    "KindList",
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
    "Status",
    "StatusEvent",
    "StatusEventType",
    "StepStatus",
    "Trace",
    "TraceIncompleteError",
    "TraceSource",
    "UnavailableKind",
    "UnexpectedAnswerError",
    "WaybillClient",
    "read_trace",
]
