"""Span ids that were used before: so that one process can end the spans of another that died."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

_known: ContextVar[tuple[int, int] | None] = ContextVar("known_ids", default=None)


class WaybillIdGenerator(RandomIdGenerator):
    """Random ids, unless `span_ids` says otherwise. Named by `OTEL_PYTHON_ID_GENERATOR`."""

    def generate_trace_id(self) -> int:
        known = _known.get()
        return known[0] if known else super().generate_trace_id()

    def generate_span_id(self) -> int:
        known = _known.get()
        return known[1] if known else super().generate_span_id()


@contextmanager
def span_ids(trace_id: int, span_id: int) -> Iterator[None]:
    """A span begun inside gets `span_id`, and `trace_id` if it has no parent: begin exactly one."""
    token = _known.set((trace_id, span_id))
    try:
        yield
    finally:
        _known.reset(token)
