"""Clients of the API that cost little themselves: one connection each, and no library above HTTP."""

import json
import threading
import time
from collections.abc import Mapping
from http.client import HTTPConnection
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from tests.bench.errors import CannotMeasure

_TIMEOUT_SECONDS = 60.0
_ACCEPTED = 202
REPORTS = "/api/v1/reports"


class Client:
    """One connection that stays open."""

    def __init__(self, url: str) -> None:
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=_TIMEOUT_SECONDS)

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer, which must be 202. Raises `CannotMeasure`."""
        self._connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status != _ACCEPTED:
            raise CannotMeasure(f"POST {path} was answered {answer.status}: {text[:200]!r}")
        found: dict[str, Any] = json.loads(text)
        return found

    def follow(self, report_id: str) -> None:
        """Reads the report's status stream until it ends, which it does with the report."""
        self._connection.request("GET", f"{REPORTS}/{report_id}/events")
        self._connection.getresponse().read()

    def close(self) -> None:
        self._connection.close()


def request(url: str, body: Mapping[str, Any], number: int, clients: int = 8) -> None:
    """Posts `number` requests by this number of clients at once, and returns when all are accepted."""
    run(url, REPORTS, body, clients, most=number)


def accepted_per_second(url: str, path: str, body: Mapping[str, Any], clients: int, seconds: float) -> float:
    """How many requests are accepted in a second, from clients that each request one after the other."""
    began = time.monotonic()
    accepted = run(url, path, body, clients, until=began + seconds)
    return accepted / (time.monotonic() - began)


def run(
    url: str,
    path: str,
    body: Mapping[str, Any],
    clients: int,
    *,
    most: int = 10**9,
    until: float = float("inf"),
) -> int:
    """Posts until there are `most`, or the monotonic clock says `until`: how many were accepted."""
    numbers, accepted, errors = count(), [0] * clients, list[Exception]()

    def post(mine: int) -> None:
        client = Client(url)
        try:
            while not errors and time.monotonic() < until and next(numbers) < most:
                client.post(path, body)
                accepted[mine] += 1
        except Exception as error:
            errors.append(error)
        finally:
            client.close()

    threads = [threading.Thread(target=post, args=(mine,), daemon=True) for mine in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return sum(accepted)
