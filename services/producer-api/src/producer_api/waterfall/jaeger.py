"""Jaeger's query API: whether it answers, and what it has of a report."""

import re
import time
from collections.abc import Callable
from concurrent.futures import TimeoutError as OutOfTime
from typing import Final

import httpx

from producer_api.waterfall.jaeger_spans import is_whole, spans_of
from producer_api.waterfall.model import NoSpans, SpanResource
from waybill.background import in_background
from waybill.domain import TERMINAL, Report
from waybill.health import OK

_SECONDS: Final = 2.0
_STATE_SECONDS: Final = 1.0
_KEPT_SECONDS: Final = 10.0
_PAGES_SECONDS: Final = 60.0
_PLACEHOLDER: Final = b"not compiled with the UI assets"
"""On the page that takes the place of Jaeger's own where it was built from its Go module alone."""
_MAX_BYTES: Final = 5 * 1024 * 1024
_WELL: Final = (httpx.codes.OK, httpx.codes.NOT_FOUND)
_TRACE_ID = re.compile("[0-9a-f]{32}")


class Jaeger:
    """Asked with `url`, the address of its query API; None where that is not known. Threads may share it.

    Whether it answers is known for ten seconds, by whatever it was asked. One that is away is left alone that
    long, and then asked by one caller: no page waits for it more often, and the others not at all.
    """

    def __init__(self, url: str | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url.rstrip("/") if url else None
        self._clock = clock
        self._client = httpx.Client(
            timeout=_SECONDS,
            trust_env=False,
            follow_redirects=False,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        )
        self._state = OK
        self._until = 0.0
        self._lacks_pages = False
        self._pages_until = 0.0

    def state(self) -> str:
        """`ok`, or what is wrong. May block for a second. Raises nothing."""
        if self._url is None:
            return "The service does not know where: WAYBILL_JAEGER_URL is not set."
        if self._is_due():
            self._answer("/api/services", _STATE_SECONDS)
        return self._state

    def ask(self, report: Report) -> list[SpanResource] | NoSpans:
        """The report's spans, in the order of their starts; or why there are none. May block for two seconds.
        Raises nothing."""
        if self._url is None:
            return NoSpans.NOT_SET
        if report.status not in TERMINAL:
            return NoSpans.NOT_ENDED
        trace_id = report.carrier.trace_id if report.carrier else None
        if not trace_id or not _TRACE_ID.fullmatch(trace_id):
            return NoSpans.NOT_WHOLE
        if self._state != OK and not self._is_due():
            return NoSpans.AWAY
        found = self._answer(f"/api/traces/{trace_id}", _SECONDS)
        if found is None:
            return NoSpans.AWAY
        status, content = found
        if status == httpx.codes.NOT_FOUND:
            return NoSpans.NOT_WHOLE
        try:
            spans = spans_of(report, content)
        except (ValueError, OverflowError):
            return NoSpans.NOT_READ
        return spans if is_whole(report, spans) else NoSpans.NOT_WHOLE

    @property
    def answered(self) -> bool:
        """Whether it did when it was asked last, or never was."""
        return self._state == OK

    def lacks_pages(self) -> bool:
        """Whether it has answered that it was built without its pages: asked once a minute. May block for a
        second. Raises nothing."""
        if self._url and self.answered and self._clock() >= self._pages_until:
            self._pages_until = self._clock() + _PAGES_SECONDS
            if found := self._get("/", _STATE_SECONDS):
                self._lacks_pages = _PLACEHOLDER in found[1]
        return self._lacks_pages

    def _is_due(self) -> bool:
        """Whether the caller is the one to find out; others go by what is known meanwhile."""
        now = self._clock()
        if now < self._until:
            return False
        self._until = now + _KEPT_SECONDS
        return True

    def _answer(self, path: str, seconds: float) -> tuple[int, bytes] | None:
        """As `_get`, and None for an error of its too. What came of it is known from then on."""
        found = self._get(path, seconds)
        if found is None:
            state = "Jaeger does not answer; spans wait in the collector."
        else:
            state = OK if found[0] in _WELL else f"Jaeger answers with status {found[0]}."
        self._state, self._until = state, self._clock() + _KEPT_SECONDS
        return found if state == OK else None

    def _get(self, path: str, seconds: float) -> tuple[int, bytes] | None:
        """Status and content; None where there was no answer in time."""
        try:
            return in_background(lambda: self._fetch(path)).result(seconds)
        except (OutOfTime, httpx.HTTPError, httpx.InvalidURL, RuntimeError):
            return None

    def _fetch(self, path: str) -> tuple[int, bytes]:
        """What is longer than it may be is cut."""
        content = bytearray()
        with self._client.stream("GET", f"{self._url}{path}") as response:
            for part in response.iter_bytes():
                content += part
                if len(content) > _MAX_BYTES:
                    break
        return response.status_code, bytes(content[:_MAX_BYTES])
