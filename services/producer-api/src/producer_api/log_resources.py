"""The queries and answers about what a report's jobs print and log."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from waybill.domain import LOG_BEGINNING, LogPosition, LogRecord

Position = Annotated[str, Field(pattern=r"^[0-9]{1,9}:[0-9]{1,15}$")]
"""Of a log record: `attempt:line`."""


class StreamQuery(BaseModel):
    """What a status stream has besides the events."""

    logs: bool = Field(default=False, description="Also what the jobs print and log.")
    logs_after: Position | None = Field(
        default=None, description="Of the last record that was seen: its attempt:line."
    )


class LogQuery(BaseModel):
    """Which records of a report's logs."""

    model_config = ConfigDict(extra="forbid")

    attempt: int | None = Field(default=None, ge=1, le=999_999_999)
    step: str | None = Field(default=None, min_length=1, max_length=200)
    after: Position | None = Field(default=None, description="A page's next, or a record's attempt:line.")
    limit: int = Field(default=1000, ge=1, le=10_000)
    format: Literal["json", "text"] | None = None


class LogRecordResource(BaseModel):
    """A line that a job has printed, or what it has logged at once."""

    attempt: int
    line: int = Field(description="Its number in the attempt, from 1.")
    at: datetime
    step: str | None
    stream: str | None = Field(description="stdout, stderr or log; null of lines that were dropped.")
    level: str | None = Field(description="debug, info, warning, error or critical, of what was logged.")
    logger: str | None
    text: str
    dropped: int = Field(description="The lines, the last of which is `line`, that this stands for.")


class LogPage(BaseModel):
    """Records in the order in which they came; `next` is null where there are no more now, and `dropped` the
    lines that are missing between them."""

    records: list[LogRecordResource]
    next: str | None
    dropped: int


def log_position(text: str | None) -> LogPosition:
    """What a valid `Position` says; None is before the first record."""
    if text is None:
        return LOG_BEGINNING
    attempt, _, line = text.partition(":")
    return LogPosition(int(attempt), int(line))


def log_record_resource(record: LogRecord) -> LogRecordResource:
    return LogRecordResource(
        attempt=record.position.attempt,
        line=record.position.line,
        at=datetime.fromisoformat(record.at),
        step=record.step,
        stream=record.stream,
        level=record.level,
        logger=record.logger,
        text=record.text,
        dropped=record.dropped,
    )
