"""librdkafka's log: each line once a minute."""

import logging

import pytest

from waybill.kafka import clients
from waybill.kafka.repeats import OncePerMinute


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def line(text: str) -> logging.LogRecord:
    return logging.LogRecord("librdkafka", logging.ERROR, "", 0, text, None, None)


def test_a_line_that_repeats_passes_once_a_minute() -> None:
    clock = Clock()
    repeats = OncePerMinute(clock)

    passed = []
    for _ in range(130):
        passed.append(repeats.filter(line(f"FAIL broker/1: refused (after {clock.now:.0f}ms)")))
        clock.now += 1

    assert passed.count(True) == 3


def test_other_lines_pass() -> None:
    repeats = OncePerMinute(Clock())

    assert repeats.filter(line("refused"))
    assert repeats.filter(line("denied"))
    assert not repeats.filter(line("refused"))


def test_it_remembers_a_limited_number() -> None:
    repeats = OncePerMinute(Clock())

    for number in range(5000):
        repeats.filter(line("x" * number))

    assert len(repeats._passed) <= 1000


def test_librdkafkas_lines_go_through_it(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        clients.KafkaConfig("nowhere:1", "me").common()["logger"].error("only once, and not three times")

    assert caplog.text.count("only once") == 1
