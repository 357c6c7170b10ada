"""Progress of set-up: plain lines where there is no terminal, each task's end always among them."""

import io

import pytest

from local.progress import Progress, duration, remaining, size


def test_without_a_terminal_each_task_ends_with_a_line() -> None:
    out = io.StringIO()
    with Progress(out) as progress:
        with progress.task("kafka") as task:
            task.say("45 jars")
        with pytest.raises(OSError, match="no space"), progress.task("jaeger") as task:
            task.say("building")
            raise OSError("no space")

    lines = out.getvalue().splitlines()
    assert [line.split() for line in lines] == [
        ["✓", "0.0", "s", "kafka", "45", "jars"],
        ["✗", "0.0", "s", "jaeger", "building"],
    ]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_the_lines_are_written_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    out = Terminal()
    with Progress(out) as progress, progress.task("kafka") as task:
        task.say("45 jars")

    assert "\x1b[1A" in out.getvalue()


@pytest.mark.parametrize(("seconds", "text"), [(0.04, "0.0 s"), (59.9, "59.9 s"), (125, "2:05 min")])
def test_a_duration_reads_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("elapsed", "done", "total", "text"),
    [
        (60, 25, 100, ", about 3:00 min left"),
        (60, 75, 100, ", about 20 s left"),
        (60, 1, 100, ""),
        (2, 50, 100, ""),
        (60, 99, 100, ""),
        (60, 100, 100, ""),
        (60, 5, 0, ""),
    ],
)
def test_what_remains_is_told_where_the_pace_is_known(
    elapsed: float, done: int, total: int, text: str
) -> None:
    assert remaining(elapsed, done, total) == text


@pytest.mark.parametrize(("octets", "text"), [(999, "999 B"), (43e6, "43 MB"), (1.25e9, "1.2 GB")])
def test_a_size_reads_well(octets: float, text: str) -> None:
    assert size(octets) == text
