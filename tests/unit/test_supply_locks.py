"""What comes from a package index is fixed by its hash: every lock, and every command that installs."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.supply import locks
from tests.conftest import TESTS

ROOT = TESTS.parent
LOCKS = [str(lock.relative_to(ROOT)) for lock in locks.all_locks()]
HASH = "--hash=sha256:" + "0" * 64


def tracked(*patterns: str) -> list[Path]:
    """Files of the checkout that git has, or would add."""
    listing = ("git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns)
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    return [ROOT / name for name in names]


def test_every_requirements_file_is_a_lock_that_is_checked() -> None:
    found = {
        str(file.relative_to(ROOT))
        for file in tracked("*.txt")
        if re.search(r"^[\w.-]+==", file.read_text(), re.M)
    }

    assert found == set(LOCKS)
    assert len(found) > 10


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_of_a_lock_has_its_hashes(lock: str) -> None:
    entries = locks.read(ROOT / lock)

    assert entries
    assert [entry.name for entry in entries if not entry.hashes] == []
    # As pip counts them, so that no line is passed over.
    assert len(entries) == len(re.findall(r"^[A-Za-z0-9]", (ROOT / lock).read_text(), re.MULTILINE))


@pytest.mark.parametrize(
    "entry",
    [
        "flask==3.1.3",
        f"flask>=3.1 {HASH}",
        f"flask {HASH}",
        "flask==3.1.3 --hash=md5:00",
        "flask==3.1.3 --hash=sha256:00",
        "git+https://example.com/flask",
        "flask @ https://example.com/flask.whl",
        "-r other.txt",
        "--extra-index-url https://example.com/simple",
        "-e .",
    ],
)
def test_what_could_be_anything_is_refused(tmp_path: Path, entry: str) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text(f"# a comment\nclick==8.5.1 \\\n    {HASH}\n{entry}\n")

    with pytest.raises(locks.LockError, match="is no version with hashes"):
        locks.read(lock)


def test_a_marker_is_no_part_of_the_version(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text(f"numpy==2.4.6 ; python_full_version < '3.12' \\\n    {HASH} \\\n    {HASH[:-1]}1\n")

    (entry,) = locks.read(lock)

    assert (entry.name, entry.version, entry.marker) == ("numpy", "2.4.6", "python_full_version < '3.12'")
    assert entry.hashes == {"0" * 64, "0" * 63 + "1"}


def shell_installs(text: str) -> Iterator[str]:
    """Each command of a Dockerfile, a script, a makefile or a workflow that installs from an index."""
    joined = re.sub(r"\\\n", " ", text)
    for line in joined.splitlines():
        for command in re.split(r"&&|\|\||;|\|", line.partition("#")[0]):
            if re.search(
                r"\bpip[\w.]*\b[^'\"]*\s(install|download|sync)\s|\buvx?\s+(tool|run|add)\s|\bpipx\b", command
            ):
                yield command


SHELL = (
    "*Dockerfile",
    "*.mk",
    "Makefile",
    "local/lock",
    ".ci/run",
    ".github/workflows/*",
    "*.sh",
    "compose.yaml",
)


def test_every_command_that_installs_asks_for_hashes() -> None:
    found = {file: list(shell_installs(file.read_text())) for file in tracked(*SHELL)}
    commands = [command for each in found.values() for command in each]

    # Our own packages are installed from the wheels that the build has just made.
    unhashed = [one for one in commands if "--require-hashes" not in one and "--no-index" not in one]
    assert unhashed == []
    for image in locks.IMAGES:
        assert len(found[ROOT / f"services/{image}/Dockerfile"]) == 3


def test_a_command_that_asks_for_none_is_found() -> None:
    dockerfile = (
        "RUN python -m venv /x \\\n    && /x/bin/pip --quiet install hatchling\nRUN pip3 install flask # x\n"
    )

    assert len(list(shell_installs(dockerfile))) == 2


def test_set_up_asks_for_hashes() -> None:
    """Every function of `local` that installs by pip or uv; what is installed from a folder here is ours."""
    found = 0
    for file in (ROOT / "local").rglob("*.py"):
        for function in ast.walk(ast.parse(file.read_text())):
            if not isinstance(function, ast.FunctionDef):
                continue
            texts = {node.value for node in ast.walk(function) if isinstance(node, ast.Constant)}
            if "pip" in texts and texts & {"install", "sync"}:
                found += 1
                assert texts & {"--require-hashes", "-e"}, f"{file}: {function.name}"
    assert found >= 4


def test_the_images_are_built_with_what_their_locks_and_the_builds_lock_have() -> None:
    for image in locks.IMAGES:
        dockerfile = (ROOT / f"services/{image}/Dockerfile").read_text()
        copied = re.findall(r"^COPY (services/\S+\.txt) ", dockerfile, re.MULTILINE)
        assert copied == [f"services/{image}/requirements.txt", "services/build-requirements.txt"]
        assert str(locks.of_image(image)) == str(ROOT / copied[0])
