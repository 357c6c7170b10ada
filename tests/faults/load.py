"""Clients that request reports, as patient clients do: again, with the same key, until there is an answer."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, cycle
from types import MappingProxyType
from typing import Any

import httpx

from tests.faults.history import Accepted, Observed

_TIMEOUT_SECONDS = 10.0
_RETRY_SECONDS = 0.2
_FULL_SECONDS = 0.1
_READ_SECONDS = 0.8
_GIVE_UP_SECONDS = 120.0

LAST_ANSWER_SECONDS = _GIVE_UP_SECONDS + 3 * _TIMEOUT_SECONDS
"""So long after its closing a load is over, or something hangs."""


@dataclass
class Load:
    """Requests reports of a `kind` from so many threads, at most `most` of them, until `stop`.

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
    kind: str = "effect"
    fields: dict[str, Any] = field(default_factory=dict)
    threads: int = 4
    most: int | None = None
    pause: float = 0.0
    parameters: dict[str, Any] = field(default_factory=dict)
    is_full: Callable[[], bool] = bool
    clients: Sequence[Mapping[str, str]] = (MappingProxyType({}),)
    """The headers of those that request, one after the other by thread; and of the one that reads."""
    reader: Mapping[str, str] = field(default_factory=dict)

    accepted: list[Accepted] = field(default_factory=list)
    observed: list[Observed] = field(default_factory=list)
    retries: int = 0
    """Requests that got no answer, or one of 5xx."""
    slowest: float = 0.0
    """Of the requests that were accepted at the first try, in seconds."""
    failed: list[str] = field(default_factory=list)
    """Answers of 500, which the API has for what it was not prepared for: it is tried again all the same."""
    refused: list[str] = field(default_factory=list)
    """Requests that nobody accepted, and why."""
    misread: list[tuple[int, str]] = field(default_factory=list)
    """Answers to reads of accepted reports that were not the report: status and what was asked."""
    died: list[str] = field(default_factory=list)
    """What ended threads of ours that nobody had stopped."""

    def __post_init__(self) -> None:
        self._numbers = count()
        self._credentials = cycle(self.clients)
        self._stopping = threading.Event()
        self._closing = threading.Event()
        self._reading, *self._requesting = (
            threading.Thread(target=self._run, args=(act,), name=f"load-{number}", daemon=True)
            for number, act in enumerate([self._read_on, *[self._request_on] * self.threads])
        )

    def start(self) -> "Load":
        for thread in (self._reading, *self._requesting):
            thread.start()
        return self

    def stop(self) -> None:
        """No request is begun any more. Returns at once."""
        self._stopping.set()

    def close(self) -> None:
        """Ends the reading too. Returns at once."""
        self._stopping.set()
        self._closing.set()

    @property
    def has_stopped(self) -> bool:
        """Whether it was stopped, and every request that was begun has its answer."""
        return not any(thread.is_alive() for thread in self._requesting)

    @property
    def is_over(self) -> bool:
        """Whether it was closed, and has stopped."""
        return self.has_stopped and not self._reading.is_alive()

    @property
    def answered(self) -> int:
        return len(self.accepted) + len(self.refused)

    @property
    def falls_short(self) -> bool:
        """Whether fewer were accepted than it was for."""
        return len(self.accepted) < (1 if self.most is None else self.most)

    def _run(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:
            self.died.append(repr(error))

    def _request_on(self) -> None:
        with self._client(next(self._credentials)) as client:
            while not self._stopping.is_set():
                if self.is_full():
                    self._stopping.wait(_FULL_SECONDS)
                    continue
                number = next(self._numbers)
                if self.most is not None and number >= self.most:
                    return
                self._request(client, f"{self.name}-{number}")
                self._stopping.wait(self.pause)

    def _client(self, headers: Mapping[str, str]) -> httpx.Client:
        return httpx.Client(base_url=self.api_url, headers=headers, timeout=_TIMEOUT_SECONDS, trust_env=False)

    def _request(self, client: httpx.Client, request: str) -> None:
        body = {
            **self.fields,
            "kind": self.kind,
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
                if reply.status_code == httpx.codes.INTERNAL_SERVER_ERROR:
                    self.failed.append(f"{request}: {answer}")
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
        with self._client(self.reader) as client:
            while not self._closing.is_set():
                for accepted in self.accepted[-4:]:
                    self._read(client, accepted.report_id)
                self._closing.wait(_READ_SECONDS)

    def _read(self, client: httpx.Client, report_id: str) -> None:
        try:
            reply = client.get(f"/api/v1/reports/{report_id}")
        except httpx.TransportError:
            return
        if reply.status_code == httpx.codes.OK:
            row = reply.json()
            self.observed.append(Observed(report_id, row["version"], row["status"]))
        else:
            self.misread.append((reply.status_code, f"GET {report_id}: {reply.text[:200]}"))
