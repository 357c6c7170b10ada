"""The log of one attempt: its first lines and its last ones, until they are written."""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from uuid import UUID

from report_worker.output.entries import Entry, Stored
from report_worker.output.policy import OutputPolicy
from waybill.domain import NewLogChunk

_TRIES = 8
"""To find a part of lines that are of very different lengths."""
Emit = Callable[[UUID, int, Stored, tuple[str, str] | None], None]
"""A record, with its report and attempt, and with the trace and the span of its step."""

_Numbered = tuple[int, Entry]
"""With the number of its first line."""


class JobLog:
    """One thread adds entries, another takes them. It has at most the policy's `max_bytes` of them; of those
    beyond its first half that are not taken in time, the oldest are dropped."""

    def __init__(self, report_id: UUID, attempt: int, policy: OutputPolicy) -> None:
        self.report_id = report_id
        self.attempt = attempt
        self.has_ended = False
        self._policy = policy
        self._lock = threading.Lock()
        self._lines = 0
        self._head: deque[_Numbered] = deque()
        self._head_left = policy.half
        self._tail: deque[_Numbered] = deque()
        self._tail_bytes = 0
        self._allowed = 0.0
        self._taken_at: float | None = None
        self._dropped = 0
        self._written = 0
        self._untrimmed = 0

    def add(self, entry: Entry) -> None:
        with self._lock:
            number, self._lines = self._lines + 1, self._lines + entry.lines
            rest = self._add_to_head(number, entry) if self._head_left > 0 else (number, entry)
            if rest is not None:
                self._add_to_tail(*rest)

    def end(self) -> None:
        """No more lines come; all are to be taken."""
        self.has_ended = True

    def take(self, now: float) -> list[_Numbered]:
        """What is to be written now, in order. `now` in seconds, of a clock that does not go back."""
        if not (self._head or self._tail):
            return []
        with self._lock:
            taken = list(self._head)
            self._head.clear()
            self._allow(now)
            while self._tail and (self.has_ended or self._allowed > 0):
                number, entry = self._tail.popleft()
                size = entry.size(self._policy.line_bytes)
                self._tail_bytes -= size
                if not self.has_ended and size > self._allowed:
                    number, entry = self._give_back(number, entry, self._allowed / size)
                self._allowed -= entry.size(self._policy.line_bytes)
                taken.append((number, entry))
            return taken

    def take_dropped(self) -> int:
        """The lines that were dropped since the last call."""
        with self._lock:
            dropped, self._dropped = self._dropped, 0
            return dropped

    def drop_all(self) -> None:
        """What cannot be written."""
        with self._lock:
            for _, entry in (*self._head, *self._tail):
                self._dropped += entry.lines
            self._head.clear()
            self._tail.clear()
            self._tail_bytes = 0

    @property
    def waiting_bytes(self) -> int:
        """Of what is not taken."""
        with self._lock:
            return self._tail_bytes + sum(entry.size(self._policy.line_bytes) for _, entry in self._head)

    @property
    def is_done(self) -> bool:
        return self.has_ended and not (self._head or self._tail)

    def is_over(self, written: int) -> bool:
        """Whether the report may be beyond its limit, and is to be trimmed. `written`: bytes, just now."""
        self._written += written
        self._untrimmed += written
        may_be_over = self.attempt > 1 or self._written > self._policy.max_bytes
        is_due = self.has_ended or self._untrimmed > self._policy.max_bytes // 8
        if not (self._untrimmed and may_be_over and is_due):
            return False
        self._untrimmed = 0
        return True

    # --- with the lock

    def _add_to_head(self, number: int, entry: Entry) -> _Numbered | None:
        """What is not of the head."""
        first, rest = self._fitting(entry, self._head_left)
        if first is not None:
            self._head.append((number, first))
            self._head_left -= first.size(self._policy.line_bytes)
            number += first.lines
        return None if rest is None else (number, rest)

    def _fitting(self, entry: Entry, most: int) -> tuple[Entry | None, Entry | None]:
        """About `most` bytes of it; and the rest."""
        size, part = entry.size(self._policy.line_bytes), 1.0
        first: Entry | None = entry
        rest: Entry | None = None
        for _ in range(_TRIES):
            if size <= most:
                break
            part *= most / size
            first, rest = entry.split(part)
            size = first.size(self._policy.line_bytes) if first else 0
        return first, rest

    def _add_to_tail(self, number: int, entry: Entry) -> None:
        self._head_left = 0
        self._tail.append((number, entry))
        self._tail_bytes += entry.size(self._policy.line_bytes)
        while (over := self._tail_bytes - self._policy.half) > 0:
            oldest, dropped = self._tail.popleft()
            size = dropped.size(self._policy.line_bytes)
            self._tail_bytes -= size
            gone, rest = dropped.split(over / size) if over < size else (dropped, None)
            gone_lines = gone.lines if gone else 0
            self._dropped += gone_lines
            if rest is not None:
                self._tail.appendleft((oldest + gone_lines, rest))
                self._tail_bytes += rest.size(self._policy.line_bytes)

    def _allow(self, now: float) -> None:
        since = now if self._taken_at is None else self._taken_at
        self._taken_at = now
        rate = self._policy.bytes_per_second
        self._allowed = min(self._allowed + rate * (now - since), rate)

    def _give_back(self, number: int, entry: Entry, part: float) -> _Numbered:
        first, rest = entry.split(part)
        if first is None or rest is None:
            return number, entry
        self._tail.appendleft((number + first.lines, rest))
        self._tail_bytes += rest.size(self._policy.line_bytes)
        return number, first


def chunks_of(
    log: JobLog, taken: list[_Numbered], policy: OutputPolicy, emit: Emit | None = None
) -> Iterator[NewLogChunk]:
    """The rows of entries that were taken. `emit` gets each record of them."""
    first, following, size = 0, 0, 0
    records: list[Stored] = []
    for number, entry in taken:
        for line, record in enumerate(entry.records(), number):
            if emit is not None:
                emit(log.report_id, log.attempt, record, entry.span)
            bytes_ = len(json.dumps(record, ensure_ascii=False).encode())
            if records and (line != following or size + bytes_ > policy.max_chunk_bytes):
                yield NewLogChunk(log.report_id, log.attempt, first, records, size)
                records, size = [], 0
            if not records:
                first = line
            records.append(record)
            following, size = line + 1, size + bytes_
    if records:
        yield NewLogChunk(log.report_id, log.attempt, first, records, size)
