"""The W3C trace context as text."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

_MAX_CHARACTERS = 512
"""W3C asks for at least this number for a tracestate; a traceparent has 55."""


@dataclass(frozen=True)
class Carrier:
    """What travels with a report so that all of its work is one trace.

    The texts are kept as they came; whether they are a valid trace context is for the propagator to say.
    """

    traceparent: str
    tracestate: str | None = None

    @property
    def trace_id(self) -> str | None:
        """The 32 hex digits, or None where `traceparent` is not of the W3C form."""
        parts = self.traceparent.split("-")
        return parts[1] if len(parts) >= 4 and len(parts[1]) == 32 else None

    def as_dict(self) -> dict[str, str]:
        """`traceparent` and, only where there is one, `tracestate`."""
        fields = {"traceparent": self.traceparent}
        if self.tracestate:
            fields["tracestate"] = self.tracestate
        return fields

    @classmethod
    def from_mapping(cls, fields: Mapping[str, Any]) -> "Carrier | None":
        """None where no `traceparent` could be one; a `tracestate` that could not is left out."""
        traceparent, tracestate = fields.get("traceparent"), fields.get("tracestate")
        if not _is_header_text(traceparent):
            return None
        return cls(traceparent, tracestate if _is_header_text(tracestate) else None)


def _is_header_text(value: Any) -> TypeGuard[str]:
    """Visible ASCII, as HTTP has it. A message may bring anything, also what the database cannot keep."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= _MAX_CHARACTERS
        and value.isascii()
        and value.isprintable()
    )
