"""Jaeger as the API asks it: one that is away, or answers with errors, holds up nobody for long."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import pytest

from producer_api.waterfall import Jaeger, NoSpans
from producer_api.web.routes.waterfall import why_no_page
from tests.support.http_server import Request, Server, serving
from tests.unit.test_waterfall import OURS, TRACE, trace
from waybill.domain import Status
from waybill.health import OK

TRACES, SERVICES, PAGES = f"GET /api/traces/{TRACE}", "GET /api/services", "GET /"
SILENT = "Jaeger does not answer; spans wait in the collector."
Answer = Callable[[Request], None]


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


class Counted:
    """Answers with what it is given, and counts."""

    def __init__(self, server: Server, route: str, answer: Answer) -> None:
        self.asked = 0
        self.answer = answer
        server.routes[route] = self

    def __call__(self, request: Request) -> None:
        self.asked += 1
        self.answer(request)


def whole(request: Request) -> None:
    request.json(trace())


def broken(request: Request) -> None:
    request.json({}, 500)


def hang(request: Request) -> None:
    time.sleep(4)
    request.json(trace())


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (broken, "Jaeger answers with status 500."),
        (
            lambda request: request.json({}, 302, Location="/"),
            "Jaeger answers with status 302.",
        ),
        (hang, SILENT),
    ],
)
def test_one_that_is_broken_is_away(server: Server, answer: Answer, state: str) -> None:
    traces = Counted(server, TRACES, answer)
    jaeger = Jaeger(server.url)

    assert [jaeger.ask(OURS), jaeger.ask(OURS)] == [NoSpans.AWAY] * 2
    assert (jaeger.state(), traces.asked) == (state, 1)


def test_one_that_is_not_there_is_away() -> None:
    jaeger = Jaeger("http://127.0.0.1:1")

    assert jaeger.ask(OURS) is NoSpans.AWAY
    assert jaeger.state() == SILENT


def test_where_it_is_not_known_nothing_is_asked() -> None:
    jaeger = Jaeger(None)

    assert jaeger.ask(OURS) is NoSpans.NOT_SET
    assert jaeger.ask(replace(OURS, status=Status.PROCESSING)) is NoSpans.NOT_SET
    assert jaeger.state().endswith("WAYBILL_JAEGER_URL is not set.")
    assert not jaeger.lacks_pages()


def test_of_what_runs_nothing_is_asked(server: Server) -> None:
    traces = Counted(server, TRACES, whole)

    assert Jaeger(server.url).ask(replace(OURS, status=Status.PROCESSING)) is NoSpans.NOT_ENDED
    assert traces.asked == 0


def test_a_trace_that_it_does_not_have_yet_does_not_make_it_away(server: Server) -> None:
    traces = Counted(server, TRACES, lambda request: request.json({}, 404))
    jaeger = Jaeger(server.url)
    assert jaeger.ask(OURS) is NoSpans.NOT_WHOLE

    traces.answer = whole

    assert not isinstance(jaeger.ask(OURS), NoSpans)
    assert jaeger.state() == OK


def test_a_trace_that_is_not_understood_does_not_make_it_away(server: Server) -> None:
    traces = Counted(server, TRACES, lambda request: request.bytes(b"<html>", "text/html"))
    jaeger = Jaeger(server.url)

    assert [jaeger.ask(OURS), jaeger.ask(OURS)] == [NoSpans.NOT_READ] * 2
    assert (jaeger.state(), traces.asked) == (OK, 2)


def test_one_that_is_away_is_asked_again_after_a_while_by_whichever_comes_first(server: Server) -> None:
    traces, services = Counted(server, TRACES, broken), Counted(server, SERVICES, broken)
    clock = Clock()
    jaeger = Jaeger(server.url, clock)

    for seconds, counts in ((0, (1, 0)), (9, (1, 0)), (2, (2, 0))):
        clock.now += seconds
        assert jaeger.ask(OURS) is NoSpans.AWAY
        assert jaeger.state() == "Jaeger answers with status 500."
        assert (traces.asked, services.asked) == counts
    clock.now += 11
    traces.answer = services.answer = whole
    assert jaeger.state() == OK
    assert not isinstance(jaeger.ask(OURS), NoSpans)
    assert (traces.asked, services.asked) == (3, 1)


def test_that_it_answers_is_asked_every_ten_seconds_at_most(server: Server) -> None:
    services, clock = Counted(server, SERVICES, whole), Clock()
    jaeger = Jaeger(server.url, clock)

    for seconds, count in ((0, 1), (9, 1), (2, 2)):
        clock.now += seconds
        assert (jaeger.state(), services.asked) == (OK, count)


def test_one_caller_alone_waits_for_one_that_was_away(server: Server) -> None:
    traces, clock = Counted(server, TRACES, broken), Clock()
    jaeger = Jaeger(server.url, clock)
    assert jaeger.ask(OURS) is NoSpans.AWAY
    clock.now += 11
    asked, may_answer = Event(), Event()

    def wait(request: Request) -> None:
        asked.set()
        may_answer.wait(30)
        request.json(trace())

    traces.answer = wait
    with ThreadPoolExecutor() as pool:
        first = pool.submit(jaeger.ask, OURS)
        assert asked.wait(30)
        others = [jaeger.ask(OURS) for _ in range(5)]
        may_answer.set()
        found = first.result()

    assert others == [NoSpans.AWAY] * 5
    assert not isinstance(found, NoSpans)


@pytest.mark.parametrize(
    ("page", "lacks"),
    [
        (b"<html>This Jaeger was not compiled with the UI assets.", True),
        (b"<html><div id='jaeger-ui-root'>", False),
    ],
)
def test_a_placeholder_is_no_page_and_is_looked_for_once_a_minute(
    server: Server, page: bytes, lacks: bool
) -> None:
    pages, clock = Counted(server, PAGES, lambda request: request.bytes(page, "text/html")), Clock()
    jaeger = Jaeger(server.url, clock)

    for seconds, count in ((0, 1), (59, 1), (2, 2)):
        clock.now += seconds
        assert (jaeger.lacks_pages(), pages.asked) == (lacks, count)


def test_an_api_without_a_page_at_its_root_says_nothing_of_pages(server: Server) -> None:
    Counted(server, PAGES, broken)
    Counted(server, TRACES, whole)
    jaeger = Jaeger(server.url)

    assert not jaeger.lacks_pages()
    assert not isinstance(jaeger.ask(OURS), NoSpans)


def test_one_that_is_away_is_not_asked_for_its_pages(server: Server) -> None:
    pages = Counted(server, PAGES, whole)
    Counted(server, TRACES, broken)
    jaeger = Jaeger(server.url)
    jaeger.ask(OURS)

    assert not jaeger.lacks_pages()
    assert why_no_page("https://jaeger.example.com", jaeger, TRACE) == "it does not answer"
    assert pages.asked == 0


def test_a_page_without_a_link_to_jaeger_says_why(server: Server) -> None:
    public = "https://jaeger.example.com"
    page = b"<html>This Jaeger was not compiled with the UI assets."
    pages = Counted(server, PAGES, lambda request: request.bytes(page, "text/html"))

    assert why_no_page(public, Jaeger(server.url), None) == "this report's trace is not kept"
    assert "WAYBILL_JAEGER_PUBLIC_URL" in str(why_no_page("", Jaeger(server.url), TRACE))
    assert pages.asked == 0
    assert why_no_page(public, Jaeger(server.url), TRACE) == "it was built without its pages"
    assert why_no_page(public, Jaeger(None), TRACE) is None
    pages.answer = lambda request: request.bytes(b"<html>", "text/html")
    assert why_no_page(public, Jaeger(server.url), TRACE) is None
