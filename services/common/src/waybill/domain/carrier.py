"""The W3C trace context as text."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_MAX_TRACEPARENT = 512
"""Characters; version 00 has 55."""
_MAX_TRACESTATE = 1025
"""Characters. A member has at most 513, so whole ones up to this limit have at least W3C's 512."""
_MAX_MEMBERS = 32
"""Of a tracestate: W3C's limit."""
_SAMPLED = 1
_WHITE = " \t"


@dataclass(frozen=True)
class Carrier:
    """What travels with a report so that all of its work is one trace.

    Whether the texts are a valid trace context is for the propagator to say.
    """

    traceparent: str
    tracestate: str | None = None

    @property
    def trace_id(self) -> str | None:
        """The 32 hex digits of a trace that is kept; None where `traceparent` says that it is not, by its
        sampled flag, or is not of the W3C form."""
        parts = self.traceparent.split("-")
        if len(parts) < 4 or len(parts[1]) != 32:
            return None
        return parts[1] if _is_sampled(parts[3]) else None

    def as_dict(self) -> dict[str, str]:
        """`traceparent` and, only where there is one, `tracestate`."""
        fields = {"traceparent": self.traceparent}
        if self.tracestate:
            fields["tracestate"] = self.tracestate
        return fields

    @classmethod
    def from_mapping(cls, fields: Mapping[str, Any]) -> "Carrier | None":
        """None where no `traceparent` could be one. A `tracestate` that could not is left out, a long one is
        cut."""
        traceparent = trimmed(fields.get("traceparent"))
        if not traceparent or len(traceparent) > _MAX_TRACEPARENT:
            return None
        return cls(traceparent, whole_members([fields.get("tracestate")]))


def trimmed(value: Any) -> str | None:
    """Without the white space and the quotes around it; None where it is no visible ASCII, as HTTP has it, or
    has more quotes, which would be taken for those around it when it is read again.

    A message may bring anything, also what the database cannot keep.
    """
    text = _bare(value)
    return text if _is_visible(text) and '"' not in text else None


def whole_members(tracestates: Iterable[Any]) -> str | None:
    """One tracestate of all, in their order: whole members from the left, as many as W3C's limits allow.

    None where a member up to there is no visible ASCII.
    """
    members: dict[str, str] = {}
    length = -1
    for member in (part.strip(_WHITE) for text in tracestates for part in _bare(text).split(",")):
        key = member.partition("=")[0]
        if not member or member[0] == '"' or key in members:  # no key has a quote
            continue
        length += 1 + len(member)
        if len(members) == _MAX_MEMBERS or length > _MAX_TRACESTATE:
            break
        if not _is_visible(member):
            return None
        members[key] = member
    return ",".join(members.values()) or None


def _bare(value: Any) -> str:
    text = value.strip(_WHITE) if isinstance(value, str) else ""
    return text[1:-1].strip(_WHITE) if len(text) > 1 and text[0] == text[-1] == '"' else text


def _is_visible(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _is_sampled(flags: str) -> bool:
    try:
        return bool(int(flags, 16) & _SAMPLED)
    except ValueError:
        return False
