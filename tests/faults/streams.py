"""Clients of the status stream that reconnect with `Last-Event-ID`, as a browser does."""

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from tests.faults.history import Stream, Told

_TIMEOUT_SECONDS = 30.0


@dataclass
class StreamClient:
    """Follows one report until the server says that there is nothing more."""

    api_url: str
    name: str
    report_id: str
    headers: Mapping[str, str] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    ended: bool = False
    problem: str = ""
    """The last answer that was neither a stream, nor its end, nor a 503."""
    listening: bool = False
    """Whether it is in a stream that has begun."""
    _reconnect_seconds: float = 0.1
    """Until a stream says otherwise."""

    def __post_init__(self) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"stream-{self.name}", daemon=True)

    def start(self) -> "StreamClient":
        self._thread.start()
        return self

    def finish(self, deadline: float) -> Stream:
        """What it was told; `deadline` is on the monotonic clock."""
        self._thread.join(max(0.0, deadline - time.monotonic()))
        self._stopping.set()
        return Stream(self.name, self.report_id, tuple(self.told), self.ended)

    def _run(self) -> None:
        with httpx.Client(
            base_url=self.api_url, headers=self.headers, timeout=_TIMEOUT_SECONDS, trust_env=False
        ) as client:
            while not self.ended and not self._stopping.is_set():
                try:
                    self._follow(client)
                except httpx.HTTPStatusError as error:
                    if error.response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                        self.problem = str(error)
                except httpx.HTTPError:
                    pass  # cut
                finally:
                    self.listening = False
                self._stopping.wait(self._reconnect_seconds)

    def _follow(self, client: httpx.Client) -> None:
        headers = {"Last-Event-ID": str(self.told[-1].version)} if self.told else {}
        with client.stream("GET", f"/api/v1/reports/{self.report_id}/events", headers=headers) as answer:
            if answer.status_code == httpx.codes.NO_CONTENT:
                self.ended = True
                return
            answer.raise_for_status()
            event: dict[str, str] = {}
            for line in answer.iter_lines():
                self.listening = True
                if line:
                    name, _, value = line.partition(":")
                    event[name] = value.removeprefix(" ")
                    continue
                if "retry" in event:
                    self._reconnect_seconds = int(event["retry"]) / 1000
                if "id" in event:  # an event counts when it is whole
                    self.told.append(Told(int(event["id"]), json.loads(event["data"])["status"]))
                event = {}
