"""Logs are read on terminals: none obeys what clients and messages bring."""

import json
import logging
import unicodedata
from collections.abc import Iterator
from typing import Literal, NoReturn

import pytest
import structlog
from pytest import CaptureFixture

from tests.support.logs import logs_as_before
from waybill.logs import configure_logs

HOSTILE = "a\x1b]0;owned\x07\x1b[2Jb\x9b31mc\rd\x08e\u202ef\x7fg\u2028h\ninfo: all is well"


def fail() -> NoReturn:
    raise ValueError(HOSTILE)


@pytest.fixture
def _logs_as_before() -> Iterator[None]:
    with logs_as_before():
        yield


@pytest.mark.usefixtures("_logs_as_before")
@pytest.mark.parametrize("form", ["json", "console"])
def test_nothing_in_a_line_is_obeyed_by_a_terminal(
    capsys: CaptureFixture[str], form: Literal["json", "console"]
) -> None:
    configure_logs("tests", form, "info")
    structlog.get_logger().warning(HOSTILE, reason=HOSTILE, among=[HOSTILE], named={HOSTILE: HOSTILE})
    logging.getLogger("a.library").warning("it says %s", HOSTILE)

    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2, "no line is made up"
    assert all("all is well" in line for line in lines)
    written = "".join(lines)
    assert not {char for char in written if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp")}
    if form == "json":
        assert json.loads(lines[0])["reason"] == HOSTILE


@pytest.mark.usefixtures("_logs_as_before")
@pytest.mark.parametrize("form", ["json", "console"])
def test_nor_in_an_exception(capsys: CaptureFixture[str], form: Literal["json", "console"]) -> None:
    configure_logs("tests", form, "info")
    try:
        fail()
    except ValueError:
        structlog.get_logger().exception("it fails")

    written = capsys.readouterr().err
    assert "Traceback" in written
    assert {char for char in written if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp")} == {"\n"}
