"""The trace that a request's caller names: how it is read, and whether it is continued."""

from enum import StrEnum

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import (
    CarrierT,
    Getter,
    Setter,
    TextMapPropagator,
    default_getter,
    default_setter,
)
from opentelemetry.trace import INVALID_SPAN, SpanContext

from waybill.domain import trimmed, whole_members

_CALLER = contexts.create_key("waybill-caller")
_TRACEPARENT, _TRACESTATE = "traceparent", "tracestate"


class CallerTrace(StrEnum):
    """What a request does with the trace that its caller names."""

    CONTINUE = "continue"
    """It is part of it."""
    LINK = "link"
    """It begins its own, with a link to the caller's span: unknown callers could else choose the ids of our
    traces, and whether they are kept."""


def read_callers(choice: CallerTrace) -> None:
    """From now on, for all of this process's requests. `OTEL_PROPAGATORS` says what headers are read."""
    # imported here: it reads OTEL_PROPAGATORS at once, and a launch must be able to say what is wrong with it
    from opentelemetry import propagate

    propagate.set_global_textmap(CallerPropagator(propagate.get_global_textmap(), choice))


def link_caller() -> None:
    """Links the current span, that of a request, to a caller whose trace it does not continue."""
    caller = contexts.get_value(_CALLER)
    if isinstance(caller, SpanContext):
        trace.get_current_span().add_link(caller)


class CallerPropagator(TextMapPropagator):
    """Reads as `inner` does, and W3C's headers also where they are quoted, or longer than they need be."""

    def __init__(self, inner: TextMapPropagator, choice: CallerTrace) -> None:
        self._inner = inner
        self._choice = choice

    def extract(
        self, carrier: CarrierT, context: Context | None = None, getter: Getter[CarrierT] = default_getter
    ) -> Context:
        found = self._inner.extract(carrier, context, _Tolerant(getter))
        caller = trace.get_current_span(found).get_span_context()
        if self._choice is CallerTrace.CONTINUE or not caller.is_valid:
            return found
        return contexts.set_value(_CALLER, caller, trace.set_span_in_context(INVALID_SPAN, found))

    def inject(
        self, carrier: CarrierT, context: Context | None = None, setter: Setter[CarrierT] = default_setter
    ) -> None:
        self._inner.inject(carrier, context, setter)

    @property
    def fields(self) -> set[str]:
        return self._inner.fields


class _Tolerant(Getter[CarrierT]):
    def __init__(self, inner: Getter[CarrierT]) -> None:
        self._inner = inner

    def get(self, carrier: CarrierT, key: str) -> list[str] | None:
        values = self._inner.get(carrier, key)
        if not values:
            return values
        if key == _TRACEPARENT:
            return [trimmed(value) or "" for value in values]
        if key == _TRACESTATE:
            return [whole_members(values) or ""]
        return values

    def keys(self, carrier: CarrierT) -> list[str]:
        return self._inner.keys(carrier)
