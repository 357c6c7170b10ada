"""The files of a worker's jobs: who removes them, and when."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from report_worker.scratch import Scratch

_WORKER = """
import sys
from report_worker.scratch import Scratch
scratch = Scratch()
(scratch.path / "half.csv").write_text("a,b")
print(scratch.path, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_worker_that_stops_leaves_nothing(root: Path) -> None:
    scratch = Scratch()
    (scratch.path / "half.csv").write_text("a,b")
    assert list(root.iterdir()) == [scratch.path]

    scratch.close()

    assert not list(root.iterdir())


def test_the_temporary_directory_may_be_a_link(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    linked = root / "private"
    linked.mkdir()
    (root / "tmp").symlink_to(linked)
    monkeypatch.setattr(tempfile, "tempdir", str(root / "tmp"))

    scratch = Scratch()

    assert list(linked.iterdir()) == [scratch.path]
    scratch.close()


def test_only_the_files_of_dead_workers_are_removed(root: Path) -> None:
    somebody_elses = root / "somebody-elses"
    somebody_elses.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", _WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        its_path = Path(other.stdout.readline().strip())

        Scratch().close()
        assert (its_path / "half.csv").exists()

        other.kill()
        other.wait()
        assert (its_path / "half.csv").exists()
        Scratch().close()

    assert list(root.iterdir()) == [somebody_elses]
