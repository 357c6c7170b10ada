"""Logs: one JSON object a line with the trace's ids, or coloured lines for people."""

import logging
import re
import sys
from typing import Literal

import structlog
from opentelemetry import trace
from structlog.typing import EventDict, WrappedLogger

from waybill.redaction import redacted_data

_OBEYED = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f"  # control characters but the line feed and the tab
    "\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]"  # line breaks, and directions of writing
)
"""What does something to a terminal."""
_OF_SEVERAL_LINES = ("exception", "stack")


def configure_logs(service: str, log_format: Literal["json", "console"], level: str) -> None:
    """Sends structlog's and the standard library's logs to standard error in one form; and what is written to
    the audit to standard output, as JSON lines."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.StackInfoRenderer(),
        _add_trace,
    ]
    last: list[structlog.typing.Processor] = (
        [structlog.processors.JSONRenderer()]
        if log_format == "json"
        else [
            _escape,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _redact,
                *last,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("alembic").setLevel("WARNING")
    audit = logging.getLogger("waybill.audit")
    audit.handlers[:] = [logging.StreamHandler(sys.stdout)]
    audit.setLevel("INFO")
    audit.propagate = False
    structlog.contextvars.bind_contextvars(service=service)


def _redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """What is written, whatever library's it is. Before it becomes a line, whose own quotes must stay."""
    return {name: redacted_data(value, name) for name, value in event.items()}


def _escape(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """What clients and messages bring is shown, and the terminal of the person who reads it obeys none of it.
    In JSON it is escaped anyway, and what is no text is shown as Python does."""
    return {
        name: escaped(value, may_have_lines=name in _OF_SEVERAL_LINES) if isinstance(value, str) else value
        for name, value in event.items()
    }


def escaped(text: str, *, may_have_lines: bool) -> str:
    """With escapes for what a terminal obeys; also for line feeds, unless it may have lines."""
    shown = _OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
    return shown if may_have_lines else shown.replace("\n", "\\n")


def _add_trace(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
        event["span_id"] = trace.format_span_id(context.span_id)
    return event
