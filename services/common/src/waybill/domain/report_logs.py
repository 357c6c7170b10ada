"""What a job has printed and logged: records in their order, some of which may be dropped."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True, order=True)
class LogPosition:
    """Of a record: the attempt, and its number among the attempt's lines, the first of which is 1."""

    attempt: int = 0
    line: int = 0

    def __str__(self) -> str:
        return f"{self.attempt}:{self.line}"


@dataclass(frozen=True)
class LogChunk:
    """Some records that follow each other, as JSON has them. `bytes` is what counts against a limit."""

    attempt: int
    line: int
    """Of the first record."""
    records: Sequence[Mapping[str, Any]]

    @property
    def position(self) -> LogPosition:
        """Of the last record."""
        return LogPosition(self.attempt, self.line + len(self.records) - 1)


LOG_BEGINNING = LogPosition()
"""Before the first record."""


@dataclass(frozen=True)
class NewLogChunk:
    """A chunk to be kept. `bytes`: what counts against the report's limit."""

    report_id: UUID
    attempt: int
    line: int
    records: Sequence[Mapping[str, Any]]
    bytes: int


@dataclass(frozen=True)
class LogRecord:
    """A line that was printed, or what was logged at once. `at`: in ISO 8601. `dropped`: this record stands
    for that number of lines, the last of which has its position."""

    position: LogPosition
    at: str
    text: str
    step: str | None = None
    stream: str | None = None
    level: str | None = None
    logger: str | None = None
    dropped: int = 0


def records_after(position: LogPosition, chunks: Iterable[LogChunk]) -> Iterator[LogRecord]:
    """What the chunks, which are in order, have after a position. Before lines that follow on dropped ones
    comes a record that stands for these."""
    for chunk in chunks:
        if chunk.attempt > position.attempt:
            position = LogPosition(chunk.attempt)
        missing = chunk.line - position.line - 1
        if missing > 0:
            position = LogPosition(chunk.attempt, chunk.line - 1)
            yield _dropped(position, missing, chunk)
        for stored in chunk.records[position.line + 1 - chunk.line :]:
            position = LogPosition(chunk.attempt, position.line + 1)
            yield _record(position, stored)


def _dropped(position: LogPosition, number: int, before: LogChunk) -> LogRecord:
    first = before.records[0] if before.records else {}
    lines = "line was" if number == 1 else "lines were"
    return LogRecord(
        position,
        str(first.get("at", "")),
        f"… {number:,} {lines} dropped …",
        first.get("step"),
        dropped=number,
    )


def _record(position: LogPosition, stored: Mapping[str, Any]) -> LogRecord:
    return LogRecord(
        position,
        at=str(stored.get("at", "")),
        text=str(stored.get("text", "")),
        step=stored.get("step"),
        stream=stored.get("stream"),
        level=stored.get("level"),
        logger=stored.get("logger"),
    )
