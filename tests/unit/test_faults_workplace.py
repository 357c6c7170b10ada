"""What killed runs have left is removed by the next one, and what lives is left alone."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.faults.workplace import workplace

CHECKOUT = Path(__file__).parents[2]


CODE = """
import os
from tests.faults.disk import Disk
from tests.faults.workplace import workplace
with workplace() as directory:
    Disk.mount(directory / "disk")  # where that is allowed
    (directory / "disk/file").touch()
    os.kill(os.getpid(), 9)
"""


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_it_is_gone_in_the_end(tmp_path: Path) -> None:
    with workplace() as directory:
        (directory / "file").touch()
    assert list(tmp_path.iterdir()) == []


def test_another_that_lives_is_left_alone() -> None:
    with workplace() as one, workplace() as other:
        assert one != other
        assert one.is_dir()


def test_what_a_killed_run_has_left_is_removed(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", CODE], check=False, timeout=60, cwd=CHECKOUT)
    assert killed.returncode == -9
    assert len(list(tmp_path.iterdir())) == 1
    with workplace() as directory:
        assert list(tmp_path.iterdir()) == [directory]
