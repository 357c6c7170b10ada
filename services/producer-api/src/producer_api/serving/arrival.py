"""A request while it arrives: when all of it is there, and when it is refused. Does no I/O.

Nothing here is trusted with the meaning of a request, which gunicorn's parser reads afterwards: this only
decides how long the bytes are collected.
"""

import re
from enum import Enum, auto

from producer_api.policies import ArrivalPolicy
from producer_api.serving.errors import ArrivalError, BodyTooLarge, HeadTooLarge, RequestTooSlow

_LINE_END = b"\r\n"
_END_OF_HEAD = b"\r\n\r\n"
_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]+)[ \t]*\r\n", re.IGNORECASE)
_CODING = re.compile(rb"\r\ntransfer-encoding:([^\r\n]*)", re.IGNORECASE)
_EXPECTS_CONTINUE = re.compile(
    rb"[^\r\n]* HTTP/1\.1\r\n(?s:.*\r\n)?expect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE
)
_CHUNK_LINE = re.compile(rb"0*([0-9a-fA-F]{1,15})[ \t]*(;[\t -~\x80-\xff]*)?")
_MAX_CHUNK_LINE = 8192


class _Part(Enum):
    NOTHING = auto()
    HEAD = auto()
    BODY = auto()
    COMPLETE = auto()


class Arrival:
    """Collects one request. Times are those of `now`, in seconds."""

    def __init__(self, policy: ArrivalPolicy, now: float) -> None:
        self._policy = policy
        self._part = _Part.NOTHING
        self._end = 0
        self._chunks: _Chunks | None = None
        self.data = bytearray()
        """Everything received; it may go beyond the end of the request."""
        self.deadline = now + policy.idle.total_seconds()
        self.error: ArrivalError | None = None
        """Set once the request is refused, whatever else comes."""
        self.wants_continue = False
        """Whether the client waits for `100 Continue` before it sends the body."""

    @property
    def begun(self) -> bool:
        return self._part is not _Part.NOTHING

    @property
    def complete(self) -> bool:
        """All of the request is there, or enough of it to see that it is malformed."""
        return self._part is _Part.COMPLETE

    def receive(self, data: bytes, now: float) -> None:
        """More bytes, at least one."""
        searched = len(self.data)
        self.data += data
        if self._part is _Part.NOTHING:
            self._part = _Part.HEAD
            self.deadline = now + self._policy.head.total_seconds()
        if self._part is _Part.HEAD:
            self._read_head(searched, now)
        if self._part is _Part.BODY:
            self._read_body()

    def expire(self) -> None:
        """The deadline has passed."""
        part = "header" if self._part is _Part.HEAD else "body"
        limit = self._policy.head if self._part is _Part.HEAD else self._policy.body
        self.error = RequestTooSlow(
            f"The request's {part} was not complete within {limit.total_seconds():g} s: send it faster."
        )

    def _read_head(self, searched: int, now: float) -> None:
        end = self.data.find(_END_OF_HEAD, max(0, searched - len(_END_OF_HEAD) + 1))
        if end < 0:
            if len(self.data) > self._policy.max_head_bytes:
                self.error = _head_too_large(self._policy)
            elif _BARE_LINE_FEED.search(self.data, max(0, searched - 1)):
                self._part = _Part.COMPLETE
            return
        self._end = end + len(_END_OF_HEAD)
        if self._end > self._policy.max_head_bytes:
            self.error = _head_too_large(self._policy)
            return
        head = bytes(self.data[: self._end])
        self._part = _Part.BODY
        self.deadline = now + self._policy.body.total_seconds()
        self.wants_continue = _EXPECTS_CONTINUE.match(head) is not None
        if codings := _CODING.findall(head):
            if b"chunked" in codings[-1].lower():
                self._chunks = _Chunks(self._end)
            else:
                self._part = _Part.COMPLETE
        elif length := _LENGTH.search(head):
            digits = length[1].lstrip(b"0")
            if len(digits) > 15 or int(digits or b"0") > self._policy.max_body_bytes:
                self.error = _body_too_large(self._policy)
            else:
                self._end += int(digits or b"0")

    def _read_body(self) -> None:
        if self._chunks is not None:
            ended = self._chunks.read(self.data)
            if self._chunks.announced > self._policy.max_body_bytes:
                self.error = _body_too_large(self._policy)
            elif len(self.data) - self._end > self._policy.max_body_bytes + self._policy.max_head_bytes:
                self.error = _body_too_large(self._policy)  # tiny chunks, long extensions, endless trailers
        else:
            ended = len(self.data) >= self._end
        if ended:
            self._part = _Part.COMPLETE


class _Chunks:
    """Finds the end of a body in chunks; `announced` is how many bytes it has at least, by what has come."""

    def __init__(self, start: int) -> None:
        self._position = start
        self._trailers = False
        self._size = 0
        self.announced = 0

    def read(self, data: bytearray) -> bool:
        """Whether the last chunk and its trailers are there, or what is there are no chunks."""
        while not self._trailers:
            end = data.find(_LINE_END, self._position)
            if end < 0:
                return len(data) - self._position > _MAX_CHUNK_LINE
            line = _CHUNK_LINE.fullmatch(data, self._position, end)
            if line is None:
                return True
            length = int(line[1], 16)
            if length == 0:
                self._position = end  # this line's end may begin the empty line
                self._trailers = True
            elif len(data) < end + length + 4:
                self.announced = self._size + length
                return False
            elif data[end + length + 2 : end + length + 4] != _LINE_END:
                return True
            else:
                self._position = end + length + 4
                self._size += length
                self.announced = self._size
        ended = data.find(_END_OF_HEAD, self._position) >= 0
        self._position = max(self._position, len(data) - len(_END_OF_HEAD) + 1)  # nothing is looked at twice
        return ended


def _head_too_large(policy: ArrivalPolicy) -> ArrivalError:
    return HeadTooLarge(f"The request's header must have at most {policy.max_head_bytes} bytes in all.")


def _body_too_large(policy: ArrivalPolicy) -> ArrivalError:
    return BodyTooLarge(f"The request's body must have at most {policy.max_body_bytes} bytes.")
