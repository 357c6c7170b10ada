"""The harness finds each build that is broken on purpose, on the real stack: `pytest tests/faults`."""

from collections.abc import Iterator

import pytest
from rich.console import Console

from tests.faults.broken import BUILDS, LANE, Build, is_found, judge
from tests.faults.console import Live
from tests.faults.harness import start_rig
from tests.faults.rig import Rig


@pytest.fixture(scope="module")
def live() -> Live:
    return Live(Console())


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory, live: Live) -> Iterator[Rig]:
    rig = start_rig(tmp_path_factory.mktemp("rig") / "broken", live, LANE)
    yield rig
    rig.stop()


@pytest.mark.parametrize("build", BUILDS, ids=lambda build: build.sabotage)
def test_a_broken_build_is_found(build: Build, rig: Rig, live: Live) -> None:
    outcome = judge(rig, build, 1, live)
    assert outcome.injected
    assert is_found(build, outcome), outcome
