"""`dowork` runs every step, fails the one it is told to, and keeps a log of them."""

from pathlib import Path
from random import Random

import pytest

from report_worker.kinds.dowork import produce
from tests.support.recorded_work import RecordedWork
from waybill.kinds import load_registry
from waybill.kinds.dowork import DOWORK, DoWorkParameters


@pytest.fixture
def work(tmp_path: Path) -> RecordedWork:
    return RecordedWork(tmp_path)


def failures(work: RecordedWork) -> dict[str, str]:
    return {name: str(error) for name, error in work.steps.items() if error}


def test_step_5_of_ten_fails_and_the_others_run_on(work: RecordedWork) -> None:
    produce(DoWorkParameters(), work, sleep=lambda _: None)
    assert list(work.steps) == [f"doWork:{number}" for number in range(10)]
    assert failures(work) == {"doWork:5": "Something wrong!"}


@pytest.mark.parametrize("failing_step", [None, 3])
def test_no_step_fails_when_none_is_told_to(work: RecordedWork, failing_step: int | None) -> None:
    produce(DoWorkParameters(steps=3, failing_step=failing_step), work, sleep=lambda _: None)
    assert failures(work) == {}


def test_each_step_takes_a_random_time_up_to_the_limit(work: RecordedWork) -> None:
    slept: list[float] = []
    produce(DoWorkParameters(steps=500, max_step_ms=20), work, random=Random(1), sleep=slept.append)
    assert len(slept) == 500
    assert {round(seconds * 1000) for seconds in slept} == set(range(21))


def test_the_artefact_says_how_each_step_went(work: RecordedWork) -> None:
    slept: list[float] = []
    artefact = produce(DoWorkParameters(steps=3, failing_step=1), work, sleep=slept.append)
    first, second, third = (round(seconds * 1000) for seconds in slept)
    assert artefact.path.parent == work.directory
    assert artefact.media_type == "text/plain; charset=utf-8"
    assert artefact.path.read_text() == (
        f"doWork:0\t{first} ms\tdone\ndoWork:1\t{second} ms\tfailed\ndoWork:2\t{third} ms\tdone\n"
    )


def test_the_definition_names_the_steps_and_the_implementation(work: RecordedWork) -> None:
    kind = load_registry()["dowork"]
    assert kind is DOWORK
    assert kind.load() is produce
    parameters = DoWorkParameters(steps=4, max_step_ms=0)
    produce(parameters, work)
    assert list(work.steps) == list(kind.steps(parameters))
