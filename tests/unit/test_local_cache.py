"""Set-up's cache: each thing is made once, is whole or not there, and waits for whoever makes it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local import cache


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.fixture
def target() -> Path:
    return cache.root() / "thing-1.0"


def test_two_set_ups_at_once_make_a_thing_once(target: Path) -> None:
    making, waited = threading.Event(), threading.Event()
    made: list[Path] = []

    def make(directory: Path) -> None:
        making.set()
        assert waited.wait(10)
        made.append(directory)
        (directory / "file").touch()

    with ThreadPoolExecutor() as pool:
        first = pool.submit(cache.make_once, target, make)
        assert making.wait(10)
        second = pool.submit(cache.make_once, target, make, waited.set)
        first.result(), second.result()

    assert len(made) == 1
    assert [file.name for file in target.iterdir()] == ["file"]


def test_what_failed_half_way_leaves_nothing(target: Path) -> None:
    def fail(directory: Path) -> None:
        (directory / "half").touch()
        raise OSError("no more space")

    with pytest.raises(OSError, match="no more space"):
        cache.make_once(target, fail)

    assert [entry.name for entry in cache.root().iterdir()] == ["locks"]


def test_what_a_killed_set_up_left_is_removed(target: Path) -> None:
    stale = target.parent / f".{target.name}.abandoned"
    stale.mkdir(parents=True)

    cache.make_once(target, lambda directory: (directory / "file").touch())

    assert not stale.exists()
    assert (target / "file").exists()


def test_a_digest_depends_on_every_file(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("a")
    other.write_text("b")
    before = cache.digest(one, other)

    other.write_text("c")

    assert cache.digest(one, other) != before
    assert cache.digest(one, other) != cache.digest(other, one)
