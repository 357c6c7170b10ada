"""Set-up runs side by side: what the stack needs is waited for, the rest may go on behind it."""

import io
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import installation, setup
from local.errors import NotInstalledError, SetupFailedError
from local.install.context import Context
from local.setup import SetUp


class Installers:
    """Two that the stack needs and one that may come later; the test lets the last one end."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.ran: list[str] = []

    def quick(self, context: Context) -> None:
        self.ran.append(context.task.name)
        context.say("it is there")

    def slow(self, context: Context) -> None:
        context.say("half way")
        assert context.background
        assert self.release.wait(30)
        self.ran.append(context.task.name)


@pytest.fixture
def installers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Installers]:
    made = Installers()

    def find(*, needs_jaeger: bool = True) -> None:
        raise NotInstalledError(["everything"])

    monkeypatch.setattr(installation.Installation, "find", find)
    monkeypatch.setattr(setup, "FIRST", {"python": made.quick, "kafka": made.quick})
    monkeypatch.setattr(setup, "LATER", {"jaeger": made.slow, "class archive": made.quick})
    yield made
    made.release.set()


def test_what_is_needed_first_is_there_while_the_rest_goes_on(installers: Installers, tmp_path: Path) -> None:
    out = io.StringIO()
    with SetUp(out, tmp_path) as running:
        running.wait(["python", "kafka"])

        assert set(installers.ran) >= {"python", "kafka"}
        assert running.is_installed("python")
        assert not running.is_installed("jaeger")
        assert "set-up: done" not in out.getvalue()

        installers.release.set()
        running.wait(["jaeger", "class archive"])

        assert running.is_installed("jaeger")
        assert running.tasks["jaeger"].seconds is not None
    assert "it is there" in out.getvalue()
    assert "set-up: done" in out.getvalue()


def test_a_failure_is_raised_and_ends_the_rest(
    installers: Installers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(context: Context) -> None:
        context.run("what fails", (sys.executable, "-c", "raise SystemExit('no such thing')"))

    def endless(context: Context) -> None:
        context.run("what never ends", (sys.executable, "-c", "import time; time.sleep(600)"))

    monkeypatch.setattr(setup, "FIRST", {"python": fail, "kafka": endless})
    monkeypatch.setattr(setup, "LATER", {})
    with SetUp(io.StringIO(), tmp_path) as running, pytest.raises(SetupFailedError) as error:
        running.wait(["python", "kafka"])

    assert "what fails failed" in str(error.value)
    assert "no such thing" in str(error.value)


def test_leaving_ends_what_was_not_waited_for(
    installers: Installers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(context: Context) -> None:
        context.run("what never ends", (sys.executable, "-c", "import time; time.sleep(600)"))

    monkeypatch.setattr(setup, "LATER", {"jaeger": endless})
    with SetUp(io.StringIO(), tmp_path) as running:
        running.wait(["python", "kafka"])

    assert running.tasks["jaeger"].failed


def test_a_command_in_the_background_gets_what_others_leave(installers: Installers, tmp_path: Path) -> None:
    niceness: dict[str, str] = {}

    def look(context: Context) -> None:
        program = "import os; print(os.getpriority(os.PRIO_PROCESS, 0))"
        context.run(
            "niceness",
            (sys.executable, "-c", program),
            on_line=lambda line: niceness.update({context.task.name: line}),
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(setup, "LATER", {"jaeger": look})
        patch.setattr(setup, "FIRST", {"python": look})
        with SetUp(io.StringIO(), tmp_path) as running:
            running.wait(["python", "jaeger"])

    assert niceness["jaeger"] == "19"
    assert niceness["python"] == str(os.getpriority(os.PRIO_PROCESS, 0))
