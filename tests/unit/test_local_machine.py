"""A machine that lacks something hears all of it at once, with the lines that install it."""

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
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: {"ID": "debian", "VERSION_ID": "13"})
    monkeypatch.setattr("os.geteuid", lambda: 1000)


@pytest.mark.usefixtures("bare_machine")
def test_everything_missing_is_named_with_its_line() -> None:
    with pytest.raises(machine.MissingToolsError) as error:
        machine.check()

    assert str(error.value).splitlines() == [
        "this machine lacks:",
        "  Java 17 or newer (a JDK): sudo apt-get install openjdk-21-jdk-headless",
        "  Maven (the command mvn): sudo apt-get install maven",
    ]


@pytest.mark.usefixtures("bare_machine")
def test_a_java_that_is_too_old_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "jdk/bin/java"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    program.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))

    with pytest.raises(machine.MissingToolsError, match=rf"Java 17 .*\({program} is Java 11\)"):
        machine.check()
    assert java.path() == program


def test_the_cache_is_where_the_user_keeps_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache.root() == Path("/somewhere/waybill")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert cache.root() == Path.home() / ".cache/waybill"
