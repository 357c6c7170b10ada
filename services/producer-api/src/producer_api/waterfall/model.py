"""The spans of a report, as the API answers them."""

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from pydantic import BaseModel, Field

MAX_SPANS: Final = 2_000
MAX_TEXT: Final = 500
"""Characters of a name, an error or an attribute; what is longer is cut."""

REPORT: Final = "report"
WAIT, RETRY = "waiting", "waiting for a retry"
UNPUBLISHED, IN_KAFKA, SLOT = "waiting to be published", "waiting in Kafka", "waiting for a slot"
"""Names of the database's own spans: of the report, of its waits, and of their parts."""
LOST: Final = "worker lost"
"""The error of an attempt that ended in silence."""


class TraceSource(StrEnum):
    """From where the spans are known."""

    DATABASE = "database"
    """By the report's row and its events: its waits, attempts and steps."""
    JAEGER = "jaeger"
    """All that was traced of it."""


class NoSpans(StrEnum):
    """Why Jaeger has no spans of a report."""

    NOT_SET = "not set"
    """Nothing says where it is."""
    NOT_ENDED = "not ended"
    """Of a report that still runs, it has not got much, and is not asked."""
    AWAY = "away"
    """It does not answer, or with an error."""
    NOT_READ = "not read"
    """Its answer is longer than may be read, or not understood."""
    NOT_WHOLE = "not whole"
    """The last of them may still be on their way; or they were never sampled."""


class SpanStatus(StrEnum):
    OK = "ok"
    ERROR = "error"


class SpanResource(BaseModel):
    """A part of the report's time. What still runs has no duration."""

    id: str = Field(description="16 hex digits; of the database's own spans, another than in Jaeger.")
    parent: str | None = Field(description="The id of the span that it is part of; null of the first.")
    name: str
    service: str
    kind: str = Field(description="As OpenTelemetry has it, in small letters: internal, server, producer …")
    start: datetime
    duration_ms: float | None
    status: SpanStatus
    error: str | None
    attributes: dict[str, str | int | float | bool]
    running: bool


class TraceResource(BaseModel):
    """The spans of a report, in the order of their starts."""

    report_id: UUID
    trace_id: str | None
    source: TraceSource
    truncated: bool = Field(description=f"There are more than {MAX_SPANS:,} spans; these are the first.")
    spans: list[SpanResource]


def cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"
