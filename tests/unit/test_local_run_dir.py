"""The directory of one run: one stack at a time, and a file of variables that a shell can read."""

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.errors import AlreadyRunningError
from local.run_dir import RunDir, RunningPart
from tests.support.waiting import PATIENCE


@pytest.fixture
def run_dir(tmp_path: Path) -> Iterator[RunDir]:
    directory = RunDir(tmp_path / "run")
    directory.open(fresh=True)
    yield directory
    directory.close()


def test_a_shell_reads_the_variables_as_they_were(run_dir: RunDir) -> None:
    url = "postgresql://waybill:a$b'c d@127.0.0.1/waybill"
    run_dir.write_env({"DATABASE_URL": url, "JAEGER_URL": "http://127.0.0.1:16686"})

    shell = subprocess.run(
        ["sh", "-c", '. "$1"; env', "sh", run_dir.env], capture_output=True, text=True, check=True
    )

    assert f"DATABASE_URL={url}" in shell.stdout.splitlines()
    assert "JAEGER_URL=http://127.0.0.1:16686" in shell.stdout.splitlines()
    assert run_dir.read_env()["DATABASE_URL"] == url


def test_only_its_owner_can_read_the_variables(run_dir: RunDir) -> None:
    run_dir.write_env({"DATABASE_URL": "secret"})

    assert run_dir.env.stat().st_mode & 0o777 == 0o600


def test_a_second_stack_is_refused(run_dir: RunDir) -> None:
    with pytest.raises(AlreadyRunningError, match=str(run_dir.path)):
        RunDir(run_dir.path).open(fresh=False)


def test_others_see_who_holds_it_until_it_is_closed(run_dir: RunDir) -> None:
    other = RunDir(run_dir.path)
    run_dir.write_env({"A": "b"})
    assert other.holder() == os.getpid()

    run_dir.close()

    assert other.holder() is None
    assert other.read_env() == {}


def test_one_that_is_just_being_given_back_is_held_by_nobody(run_dir: RunDir) -> None:
    """Who looked when it was locked, and reads once it is empty, does not wait for ever."""
    (run_dir.path / "lock").write_text("")
    with ThreadPoolExecutor(1) as looking:
        found = looking.submit(RunDir(run_dir.path).holder)
        with pytest.raises(TimeoutError):
            found.result(0.2)
        run_dir.close()
        assert found.result(PATIENCE) is None


def test_nobody_holds_what_is_not_there(tmp_path: Path) -> None:
    assert RunDir(tmp_path / "nothing").holder() is None


def test_data_stays_unless_a_run_begins_afresh(run_dir: RunDir) -> None:
    data = run_dir.part("kafka") / "data"
    data.touch()
    run_dir.log("kafka").touch()
    run_dir.close()

    run_dir.open(fresh=False)
    assert data.exists()
    assert not run_dir.log("kafka").exists()
    run_dir.close()

    run_dir.open(fresh=True)
    assert not data.exists()


def test_the_parts_are_read_back(run_dir: RunDir) -> None:
    parts = [RunningPart("kafka", 4711, 9092, "kafka://127.0.0.1:9092")]
    run_dir.write_parts(parts)

    assert RunDir(run_dir.path).read_parts() == parts
