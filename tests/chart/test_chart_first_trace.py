"""The script of `helm test`, against an API that asks for credentials."""

import os
import subprocess
import sys
from functools import partial

import pytest

from k8s.render import CHART
from tests.support.answers import report
from tests.support.http_server import Request, Server, serving

TOKEN = "WAYBILL_TOKEN"
REPORTS = "POST /api/v1/reports"
TITLES = {401: "A credential is missing or wrong", 403: "You may not do this"}


def first_trace(server: Server, token: str | None) -> subprocess.CompletedProcess[str]:
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith(TOKEN)}
    credentials = {} if token is None else {TOKEN: token}
    return subprocess.run(
        [sys.executable, CHART / "files" / "first_trace.py"],
        env={**surroundings, "WAYBILL_API_URL": server.url, "JAEGER_URL": "", **credentials},
        capture_output=True,
        text=True,
        check=False,
    )


def refuse(request: Request, status: int) -> None:
    request.json({"title": TITLES[status], "status": status}, status, "application/problem+json")


@pytest.mark.parametrize(
    ("token", "sent"),
    [
        (None, None),
        ("", None),
        ("wb_1_secret", "Bearer wb_1_secret"),
        ("wb_1_secret\n", "Bearer wb_1_secret"),
    ],
    ids=["no variable", "empty", "token", "token with the end of its line"],
)
def test_every_request_has_the_token(token: str | None, sent: str | None) -> None:
    received: list[str | None] = []

    def answer(request: Request) -> None:
        received.append(request.headers["Authorization"])
        if request.path.endswith("/events"):
            refuse(request, 401)
        else:
            request.json(report(), 202)

    with serving() as server:
        server.routes[REPORTS] = answer
        server.routes[f"GET /api/v1/reports/{report()['id']}/events"] = answer
        first_trace(server, token)

    assert received == [sent, sent]


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (401, "Name the Secret of a valid token in test.tokenSecret of the chart's values."),
        (403, "The token in the Secret of test.tokenSecret must be a requester's."),
    ],
)
def test_it_says_what_to_do_where_it_is_refused(status: int, remedy: str) -> None:
    with serving() as server:
        server.routes[REPORTS] = partial(refuse, status=status)
        answer = first_trace(server, None)

    assert answer.returncode == 1
    assert answer.stderr.endswith(f". {remedy}\n")
