"""A worker that is started again may be killed again, before it is ready."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from local.errors import PartFailedError
from tests.faults.injectors import killers


class Run:
    """Of which a job has killed the worker."""

    name = "job-kills-worker"

    def __init__(self, *, dies_again: bool) -> None:
        self.injected = 0
        self.violations: list[object] = []
        self.rig = SimpleNamespace(
            stack=SimpleNamespace(pid=lambda _: 1, start_part=self._start),
            rows=lambda *_: [{"count": 1}],
            has_ended=lambda _: dies_again,
        )

    def _start(self, name: str) -> None:
        raise PartFailedError(name, "ended", Path("/nonexistent"))

    def strike(self, _: str) -> None: ...

    def lose_spans(self, *_: Any, **__: Any) -> None: ...

    def inject(self) -> None:
        self.injected += 1


def test_one_that_is_killed_before_it_is_ready_is_found_dead_in_the_next_round() -> None:
    run: Any = Run(dies_again=True)

    killers._bury(run, "report-worker")

    assert (run.injected, run.violations) == (1, [])


def test_one_that_never_gets_ready_is_an_error() -> None:
    run: Any = Run(dies_again=False)

    with pytest.raises(PartFailedError):
        killers._bury(run, "report-worker")
