"""A load tells what its clients did not get, and what ended them."""

import time
from collections.abc import Callable
from typing import NoReturn

import httpx
import pytest

from tests.faults.load import Load

Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], None]:
    """Has every request answered by a function."""

    def answer_with(answer: Answer) -> None:
        client = httpx.Client

        def make(**options: object) -> httpx.Client:
            return client(base_url="http://api", transport=httpx.MockTransport(answer))

        monkeypatch.setattr(httpx, "Client", make)

    return answer_with


def wait_until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline, "it never comes to that"
        time.sleep(0.005)


def load(most: int | None = 3, is_full: Callable[[], bool] = bool) -> Load:
    return Load("http://api", "a-fault", "load", threads=2, most=most, is_full=is_full)


def accept(request: httpx.Request) -> httpx.Response:
    if request.method == "POST":
        return httpx.Response(202, json={"id": "r1"})
    return httpx.Response(200, json={"version": 1, "status": "init"})


def test_it_ends_when_all_have_their_answers(answering: Callable[[Answer], None]) -> None:
    answering(accept)
    clients = load().start()
    wait_until(lambda: clients.answered == 3 and clients.observed)
    assert not clients.is_over  # it reads
    clients.close()
    wait_until(lambda: clients.is_over)
    assert not clients.falls_short
    assert not clients.misread


def test_what_is_refused_is_an_answer_and_falls_short(answering: Callable[[Answer], None]) -> None:
    answering(lambda _: httpx.Response(400))
    clients = load().start()
    wait_until(lambda: clients.answered == 3)
    clients.close()
    assert clients.falls_short


def test_a_client_that_dies_says_of_what(answering: Callable[[Answer], None]) -> None:
    def die() -> NoReturn:
        raise ValueError("of this")

    answering(accept)
    clients = load(most=None, is_full=die).start()
    wait_until(lambda: len(clients.died) == 2)
    clients.close()
    assert clients.falls_short
    assert clients.died[0] == "ValueError('of this')"


@pytest.mark.parametrize(("status", "failed"), [(500, True), (503, False)])
def test_an_error_that_the_api_was_not_prepared_for_is_told_though_a_retry_hides_it(
    answering: Callable[[Answer], None], status: int, failed: bool
) -> None:
    answers = iter([httpx.Response(status)])
    answering(lambda request: next(answers, None) or accept(request))
    clients = Load("http://api", "a-fault", "load", threads=1, most=1)
    clients._request(httpx.Client(), "a-request")
    assert (len(clients.accepted), clients.retries, bool(clients.failed)) == (1, 1, failed)


@pytest.mark.parametrize("status", [404, 500, 503])
def test_an_accepted_report_that_is_not_there_is_told(
    answering: Callable[[Answer], None], status: int
) -> None:
    answering(lambda request: accept(request) if request.method == "POST" else httpx.Response(status))
    clients = load().start()
    wait_until(lambda: clients.misread)
    clients.close()
    assert clients.misread[0] == (status, "GET r1: ")
