"""Capture: in a slot's process, what the job prints and logs goes to the worker by two pipes.

They are the files 1 and 2, so that also libraries and processes of the job write to them. The worker reads
them, and not a thread of this process: a library that prints while it holds Python's lock would wait for it.
"""

import ctypes
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import structlog
from opentelemetry import context, trace
from opentelemetry.trace import Span
from structlog.typing import EventDict, WrappedLogger

from report_worker.slots.marks import Level, LogMark, Mark, StepMark, encoded
from waybill.redaction import redacted_data

STREAMS: Final = ("stdout", "stderr")
MAX_CHARACTERS: Final = 8192
"""Of a line, and of what is logged at once."""

_OURS = ("opentelemetry.", "report_worker.slots.", "waybill.")
"""Loggers that are not the job's, with those below them."""
_LEVELS: Sequence[tuple[int, Level]] = (
    (logging.CRITICAL, "critical"),
    (logging.ERROR, "error"),
    (logging.WARNING, "warning"),
    (logging.INFO, "info"),
)
_FIELDS = {"event", "level", "logger", "timestamp", "service", "trace_id", "span_id", "exception", "stack"}


class Capture:
    """The process's own standard streams are what the pipes replace: the logs of the service go on there."""

    def __init__(self, files: Sequence[int], token: str) -> None:
        """`files`: the pipes, in the order of `STREAMS`; they stay open, for marks."""
        self._files = files
        self._token = token
        self._steps = 0
        self._libc_streams = _libc_stdout()

    def begin(self) -> None:
        """For the rest of the process. Before its state is compared with anything."""
        service = open(os.dup(2), "w", buffering=1, errors="backslashreplace")  # noqa: SIM115, PTH123
        for number, file in enumerate(self._files, 1):
            os.set_inheritable(file, False)
            os.dup2(file, number)
        root = logging.getLogger()
        for handler in root.handlers:
            if isinstance(handler, logging.StreamHandler):
                handler.setStream(service)
        root.addHandler(_Handler(self))
        for stream in (sys.stdout, sys.stderr):
            with suppress(AttributeError):  # where there is none
                stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]

    def step(self, name: str | None, span: Span | None = None) -> None:
        """What comes from now on is of this step."""
        self.flush()
        self._steps += 1
        mark = StepMark(name, self._steps, _ids(span))
        for file in range(len(self._files)):
            self.write(mark, file)

    def flush(self) -> None:
        """What this process has printed so far is in the pipes then."""
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):  # whatever the job has put there
                stream.flush()
        if self._libc_streams is not None:
            flush, stdout = self._libc_streams
            flush(stdout)

    def write(self, mark: Mark, file: int = 0) -> None:
        data = encoded(self._token, mark)
        with suppress(OSError):  # the job has closed it
            while data:
                data = data[os.write(self._files[file], data) :]


class _Handler(logging.Handler):
    """What is logged stands between the lines of standard output, in the order in which it came."""

    def __init__(self, capture: Capture) -> None:
        super().__init__()
        self._capture = capture
        self.setFormatter(
            structlog.stdlib.ProcessorFormatter(
                processors=[
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    _text,
                ]
            )
        )

    def filter(self, record: logging.LogRecord) -> bool:
        """Not what our telemetry says, by whatever library, while it sends."""
        is_ours = f"{record.name}.".startswith(_OURS)
        return not (is_ours or context.get_value("suppress_instrumentation"))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = _bounded(self.format(record))
            mark = LogMark(record.created, _level(record.levelno), record.name[:2000], text)
            with suppress(Exception):
                sys.stdout.flush()  # what was printed before
            self._capture.write(mark)
        except Exception:
            self.handleError(record)


def _text(_: WrappedLogger, __: str, event: EventDict) -> str:
    """The event, its fields, and the exception in lines of its own."""
    fields = [f"{name}={_shown(redacted_data(event[name], name))}" for name in event if name not in _FIELDS]
    lines = [" ".join([str(event.get("event", "")), *fields])]
    lines += [str(event[name]) for name in ("stack", "exception") if event.get(name)]
    return "\n".join(lines)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) and value and " " not in value else repr(value)


def _bounded(text: str) -> str:
    """Beginning and end: a traceback names the place at its end."""
    if len(text) <= MAX_CHARACTERS:
        return text
    part = MAX_CHARACTERS // 2 - 20
    return f"{text[:part]}\n… {len(text) - 2 * part} characters …\n{text[-part:]}"


def _level(number: int) -> Level:
    return next((name for least, name in _LEVELS if number >= least), "debug")


def _ids(span: Span | None) -> tuple[str, str] | None:
    found = span.get_span_context() if span is not None else None
    if found is None or not (found.is_valid and found.trace_flags.sampled):
        return None
    return trace.format_trace_id(found.trace_id), trace.format_span_id(found.span_id)


def _libc_stdout() -> tuple[Any, Any] | None:
    """What C code prints waits in a buffer of its own, and would else come out in the next job."""
    try:
        libc = ctypes.CDLL(None)
        stdout = ctypes.c_void_p.in_dll(libc, "stdout")
        libc.fflush.argtypes = [ctypes.c_void_p]
    except (OSError, ValueError, AttributeError):  # another system
        return None
    return libc.fflush, stdout
