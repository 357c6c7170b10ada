"""Entries: lines as they are kept until they are written. What is dropped again costs next to nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from report_worker.slots.capture import MAX_CHARACTERS
from report_worker.slots.sanitize import shortened, storable
from waybill.redaction import redacted

Stored = Mapping[str, Any]

_PIECE_BYTES = 8 * 1024
"""Redacted at once: meanwhile no other thread of the worker runs."""


@dataclass(frozen=True)
class Entry:
    """Whole lines, each with its line feed; or what was logged at once, with `level` and `logger`. `at` in
    seconds since 1970. `span`: the trace and the span of the step."""

    at: float
    stream: str
    step: str | None
    data: bytes
    lines: int
    level: str | None = None
    logger: str | None = None
    span: tuple[str, str] | None = None

    @classmethod
    def of_lines(
        cls, at: float, stream: str, step: str | None, data: bytes, span: tuple[str, str] | None = None
    ) -> "Entry":
        return cls(at, stream, step, data, data.count(b"\n"), span=span)

    def size(self, line_bytes: int) -> int:
        return len(self.data) + self.lines * line_bytes

    def split(self, part: float) -> "tuple[Entry | None, Entry | None]":
        """About the first `part` of the lines, from 0 to 1, at least one of them; and the others."""
        end = self.data.find(b"\n", int(len(self.data) * part)) + 1 if self.lines > 1 else 0
        if not 0 < end < len(self.data):
            return self, None
        first = Entry.of_lines(self.at, self.stream, self.step, self.data[:end], self.span)
        return first, replace(self, data=self.data[end:], lines=self.lines - first.lines)

    def records(self) -> Iterator[Stored]:
        """As they are stored: without secrets, and without what the database does not take."""
        fields = {
            "at": datetime.fromtimestamp(self.at, UTC).isoformat(timespec="milliseconds"),
            "stream": self.stream,
            "step": self.step,
            "level": self.level,
            "logger": self.logger,
        }
        fields = {name: value for name, value in fields.items() if value is not None}
        for text in self._texts():
            yield {**fields, "text": text}

    def _texts(self) -> Iterator[str]:
        if self.level is not None:
            yield shortened(self.data.decode(errors="backslashreplace"), MAX_CHARACTERS)
            return
        start = 0
        while start < len(self.data):
            end = self.data.find(b"\n", start + _PIECE_BYTES) + 1 or len(self.data)
            yield from _lines(self.data[start:end])
            start = end


def _lines(piece: bytes) -> list[str]:
    text = piece.decode(errors="backslashreplace")
    lines = [line.removesuffix("\r") for line in text.split("\n")[:-1]]
    # which of them has a secret, or only looks so beside another
    if len(piece) > 2 * _PIECE_BYTES or redacted(text) != text:
        return [shortened(line, MAX_CHARACTERS) for line in lines]
    return [_cut(storable(line)) for line in lines]


def _cut(line: str) -> str:
    return line if len(line) <= MAX_CHARACTERS else f"{line[: MAX_CHARACTERS - 1]}…"
