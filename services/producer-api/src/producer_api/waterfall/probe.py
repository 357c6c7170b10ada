"""Whether Jaeger answers, for those who look."""

import time
from concurrent.futures import TimeoutError as OutOfTime
from typing import Final

import httpx

from waybill.background import in_background
from waybill.health import OK

_SECONDS: Final = 1.0
_KEPT_SECONDS: Final = 10.0


class JaegerProbe:
    """Asked with `url`, the address of its query API; None where that is not known."""

    def __init__(self, url: str | None) -> None:
        self._url = url.rstrip("/") if url else None
        self._state = ""
        self._until = 0.0

    def state(self) -> str:
        """`ok`, or what is wrong. Blocks for a second at most, and asks every ten seconds at most."""
        if self._url is None:
            return "The service does not know where: WAYBILL_JAEGER_URL is not set."
        if time.monotonic() > self._until:
            self._state = self._ask()
            self._until = time.monotonic() + _KEPT_SECONDS
        return self._state

    def _ask(self) -> str:
        try:
            status = in_background(self._status).result(_SECONDS)
        except (OutOfTime, httpx.HTTPError, ValueError, RuntimeError):
            return "Jaeger does not answer; spans wait in the collector."
        return OK if status < 500 else f"Jaeger answers with status {status}."

    def _status(self) -> int:
        with httpx.Client(timeout=_SECONDS, trust_env=False, follow_redirects=False) as client:
            return client.get(f"{self._url}/api/services").status_code
