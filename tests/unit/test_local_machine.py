"""Python is all that a machine needs; what it lacks of that is named with the line that installs it."""

from pathlib import Path

import pytest

from local import cache, machine
from local.install import java


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No program on the PATH but Debian's installer, and an empty cache."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "apt-get").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr("os.geteuid", lambda: 1000)


def make_java(home: Path, version: str) -> Path:
    program = home / "bin/java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    program.chmod(0o755)
    return program


@pytest.mark.usefixtures("bare_machine")
def test_python_alone_is_enough() -> None:
    machine.check()

    assert java.find() is None


@pytest.mark.usefixtures("bare_machine")
def test_a_missing_pip_is_named_with_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)

    with pytest.raises(machine.MissingToolsError) as error:
        machine.check()

    assert str(error.value).splitlines() == [
        "this machine lacks:",
        "  Python's package pip: sudo apt-get install python3-pip",
    ]


@pytest.mark.usefixtures("bare_machine")
def test_java_home_is_used_where_it_is_new_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    old, new = make_java(tmp_path / "old", "11.0.2"), make_java(tmp_path / "new", "21.0.1")
    monkeypatch.setenv("PATH", str(new.parent))

    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "old"))
    assert java.find() == new, "the one on the PATH, since that of JAVA_HOME is too old"
    monkeypatch.setenv("PATH", str(old.parent))
    assert java.find() is None
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "new"))
    assert java.find() == new


def test_the_cache_is_where_the_user_keeps_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache.root() == Path("/somewhere/waybill")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert cache.root() == Path.home() / ".cache/waybill"
