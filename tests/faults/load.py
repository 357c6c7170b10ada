"""Clients that request reports, as patient clients do: again, with the same key, until there is an answer."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx

from tests.faults.history import Accepted, Observed

_TIMEOUT_SECONDS = 10.0
_RETRY_SECONDS = 0.2
_FULL_SECONDS = 0.1
_READ_SECONDS = 0.4
_GIVE_UP_SECONDS = 120.0


@dataclass
class Load:
    """Requests `effect` reports from so many threads, at most `most` of them, until `stop`.

    `name` is this load's alone; `fields` are more of the request's, and `parameters` are the kind's; `pause`
    is each thread's, in seconds, after an answer; while `is_full`, none is requested. All of them must end as
    `expected`.
    """

    api_url: str
    fault: str
    name: str
    expected: str = "done"
    given_up: bool = False
    """They use up their attempts, and must leave dead letters."""
    fields: dict[str, Any] = field(default_factory=dict)
    threads: int = 4
    most: int | None = None
    pause: float = 0.0
    parameters: dict[str, Any] = field(default_factory=dict)
    is_full: Callable[[], bool] = bool

    accepted: list[Accepted] = field(default_factory=list)
    observed: list[Observed] = field(default_factory=list)
    retries: int = 0
    """Requests that got no answer, or one of 5xx."""
    slowest: float = 0.0
    """Of the requests that were accepted at the first try, in seconds."""
    refused: list[str] = field(default_factory=list)
    """Requests that nobody accepted, and why."""

    def __post_init__(self) -> None:
        self._numbers = count()
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._request_on, name=f"load-{number}", daemon=True)
            for number in range(self.threads)
        ]
        self._reader = threading.Thread(target=self._read_on, name="load-reader", daemon=True)
        self._reading = True

    def start(self) -> "Load":
        for thread in (*self._threads, self._reader):
            thread.start()
        return self

    def stop(self) -> None:
        """Returns when every request that was begun has its answer."""
        self._stopping.set()
        self.join()

    def join(self) -> None:
        """Returns when `most` requests have their answer."""
        for thread in self._threads:
            thread.join(_GIVE_UP_SECONDS + _TIMEOUT_SECONDS)

    def close(self) -> None:
        """Ends the reading too."""
        self.stop()
        self._reading = False
        self._reader.join(_TIMEOUT_SECONDS)

    def _request_on(self) -> None:
        with httpx.Client(base_url=self.api_url, timeout=_TIMEOUT_SECONDS, trust_env=False) as client:
            while not self._stopping.is_set():
                if self.is_full():
                    self._stopping.wait(_FULL_SECONDS)
                    continue
                number = next(self._numbers)
                if self.most is not None and number >= self.most:
                    return
                self._request(client, f"{self.name}-{number}")
                self._stopping.wait(self.pause)

    def _request(self, client: httpx.Client, request: str) -> None:
        body = {
            **self.fields,
            "kind": "effect",
            "parameters": {**self.parameters, "fault": self.fault, "request": request},
        }
        began, answer = time.monotonic(), ""
        while time.monotonic() - began < _GIVE_UP_SECONDS:
            tried = time.monotonic()
            try:
                reply = client.post("/api/v1/reports", json=body, headers={"Idempotency-Key": f'"{request}"'})
            except httpx.TransportError as error:
                answer = repr(error)
            else:
                if reply.status_code == httpx.codes.ACCEPTED:
                    self.accepted.append(Accepted(reply.json()["id"], request))
                    if not answer:
                        self.slowest = max(self.slowest, time.monotonic() - tried)
                    return
                answer = f"{reply.status_code} {reply.text[:200]}"
                if reply.status_code < httpx.codes.INTERNAL_SERVER_ERROR and reply.status_code not in (
                    httpx.codes.CONFLICT,  # the first try is still in flight
                    httpx.codes.TOO_MANY_REQUESTS,
                ):
                    break
            self.retries += 1
            time.sleep(_RETRY_SECONDS)
        self.refused.append(f"{request}: {answer}")

    def _read_on(self) -> None:
        """One client that looks at what was accepted, over and over."""
        with httpx.Client(base_url=self.api_url, timeout=_TIMEOUT_SECONDS, trust_env=False) as client:
            while self._reading:
                for accepted in self.accepted[-4:]:
                    self._read(client, accepted.report_id)
                time.sleep(_READ_SECONDS)

    def _read(self, client: httpx.Client, report_id: str) -> None:
        try:
            reply = client.get(f"/api/v1/reports/{report_id}")
        except httpx.TransportError:
            return
        if reply.status_code == httpx.codes.OK:
            row = reply.json()
            self.observed.append(Observed(report_id, row["version"], row["status"]))
