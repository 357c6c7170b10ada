"""The files of a worker's jobs: who removes them, and when."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from report_worker.scratch import Scratch, remove_tree

_WORKER = """
import sys
from report_worker.scratch import Scratch, remove_tree
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


def test_a_tree_is_removed_however_deep_it_is(tmp_path: Path) -> None:
    """Deeper than Python's stack, the open files, and the length of a path."""
    top = tmp_path / "job"
    top.mkdir()
    depth = 2500
    directory = os.open(top, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("a longer name", dir_fd=directory)
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=directory))
        inner = os.open("a longer name", os.O_RDONLY, dir_fd=directory)
        os.close(directory)
        directory = inner
    os.close(directory)

    remove_tree(top)

    assert not top.exists()


def test_a_tree_is_removed_whatever_its_permissions(tmp_path: Path) -> None:
    top = tmp_path / "job"
    inner = top / "inner"
    innermost = inner / "innermost"
    innermost.mkdir(parents=True)
    (innermost / "file").write_text("")
    for directory in (innermost, inner, top):
        directory.chmod(0)

    remove_tree(top)

    assert not top.exists()


def test_links_in_a_tree_lead_to_nothing_that_is_removed(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    (kept / "inner").mkdir(parents=True)
    (kept / "file").write_text("")
    top = tmp_path / "job"
    (top / "inner").mkdir(parents=True)
    (top / "link").symlink_to(kept)
    (top / "inner" / "link").symlink_to(kept)

    remove_tree(top)

    assert not top.exists()
    assert sorted(path.name for path in kept.iterdir()) == ["file", "inner"]


@pytest.mark.parametrize("in_its_place", ["nothing", "file", "link"])
def test_a_job_may_have_put_something_else_into_its_directory_s_place(
    tmp_path: Path, in_its_place: str
) -> None:
    top = tmp_path / "job"
    match in_its_place:
        case "file":
            top.write_text("")
        case "link":
            (tmp_path / "kept").mkdir()
            (tmp_path / "kept" / "file").write_text("")
            top.symlink_to(tmp_path / "kept")

    remove_tree(top)

    assert not os.path.lexists(top)
    assert in_its_place != "link" or (tmp_path / "kept" / "file").exists()
