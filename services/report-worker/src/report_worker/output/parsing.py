"""From the bytes that a job has printed to lines, and to what it has logged."""

from collections.abc import Callable
from operator import itemgetter

from report_worker.output.entries import Entry
from report_worker.slots.capture import MAX_CHARACTERS, STREAMS
from report_worker.slots.marks import END, MAX_BYTES, LogMark, StepMark, beginning, decoded

_MAX_LINE_BYTES = 4 * (MAX_CHARACTERS + 1)
"""Of a line without an end: enough for more characters than are kept, so that it is cut visibly."""

Add = Callable[[Entry], None]


class JobParser:
    """Of one job: both its streams. What is printed at a time, by whatever process, is a line as soon as its
    line feed comes; without one, at the end of the step or of the job."""

    def __init__(self, token: str, add: Add, ended: Callable[[], None] = lambda: None) -> None:
        """`token`: that of the process's marks. `ended` is called once, at the end."""
        self._add = add
        self._read: list[tuple[int, Entry]] = []
        collect = self._read.append
        self._streams = {stream: _Stream(stream, token, collect) for stream in STREAMS}
        self._ended = ended

    def feed(self, stream: str, data: bytes, at: float) -> None:
        self._streams[stream].feed(data, at)

    def fed(self) -> None:
        """Puts what both streams have brought in the order of the steps."""
        self._read.sort(key=itemgetter(0))
        for _, entry in self._read:
            self._add(entry)
        self._read.clear()

    def end(self, at: float) -> None:
        for stream in self._streams.values():
            stream.end(at)
        self.fed()
        self._ended()


class _Stream:
    def __init__(self, name: str, token: str, add: Callable[[tuple[int, Entry]], None]) -> None:
        """`add` gets each entry with the number of its step's mark."""
        self._name = name
        self._beginning = beginning(token)
        self._add = add
        self._held = b""
        """The beginning of what may be a mark."""
        self._partial = b""
        """A line without its end; as much of it as may be kept."""
        self._is_too_long = False
        self._step: str | None = None
        self._span: tuple[str, str] | None = None
        self._number = 0
        self._last = 0.0

    def feed(self, data: bytes, at: float) -> None:
        buffer, self._held, done, end = self._held + data, b"", 0, -1
        start = buffer.find(self._beginning)
        while start >= 0:
            content = start + len(self._beginning)
            following = buffer.find(self._beginning, content)
            if end < content:
                end = buffer.find(END, content) if end != len(buffer) else end
                end = end if end >= 0 else len(buffer)
            if following < 0 and end == len(buffer) <= start + MAX_BYTES:
                held = len(buffer) - start
                break
            mark = None if 0 <= following < end or end == len(buffer) else decoded(buffer[content:end])
            if mark is not None:
                self._mark(mark, buffer[done:start], at)
                done = end + 1
            start = following  # without a mark: it is the job's own text
        else:
            held = _begun(buffer, self._beginning, done)
        self._text(buffer[done : len(buffer) - held], at)
        self._held = buffer[len(buffer) - held :]

    def end(self, at: float) -> None:
        held, self._held = self._held, b""
        self._text(held, at)
        self._end_line(at)

    def _mark(self, mark: StepMark | LogMark, before: bytes, at: float) -> None:
        if isinstance(mark, LogMark):  # what comes before it was printed before
            at = min(max(mark.at, self._last), at)
            self._text(before, at)
            text = mark.text.encode(errors="backslashreplace")
            self._emit(Entry(at, "log", self._step, text, 1, mark.level, mark.logger, self._span))
            return
        self._text(before, at)
        self._end_line(at)
        self._step, self._span = mark.step, mark.span
        self._number = max(self._number, mark.number)

    def _text(self, data: bytes, at: float) -> None:
        if self._is_too_long:
            end = data.find(b"\n") + 1
            if not end:
                return
            data = data[end - 1 :]
            self._is_too_long = False
        last = data.rfind(b"\n") + 1
        if last:
            lines, self._partial = self._partial + data[:last], b""
            self._emit(Entry.of_lines(at, self._name, self._step, lines, self._span))
        self._partial += data[last:]
        if len(self._partial) > _MAX_LINE_BYTES:
            self._partial = self._partial[:_MAX_LINE_BYTES]
            self._is_too_long = True

    def _end_line(self, at: float) -> None:
        self._is_too_long = False
        if self._partial:
            partial, self._partial = self._partial, b""
            self._emit(Entry.of_lines(at, self._name, self._step, partial + b"\n", self._span))

    def _emit(self, entry: Entry) -> None:
        self._last = entry.at
        self._add((self._number, entry))


def _begun(buffer: bytes, beginning: bytes, start: int) -> int:
    """How many of the last bytes may be the beginning of a mark."""
    at = buffer.rfind(beginning[:1], max(start, len(buffer) - len(beginning) + 1))
    return len(buffer) - at if at >= 0 and beginning.startswith(buffer[at:]) else 0
