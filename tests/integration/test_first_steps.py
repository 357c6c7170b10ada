"""docs/first-steps.md, typed in as it stands."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.checkout import ROOT, files

PAGE = (ROOT / "docs/first-steps.md").read_text()
_BLOCK = re.compile(r"^```(\w+)( fails)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"`([\w./-]+\.(?:py|toml))`")


@dataclass(frozen=True)
class Command:
    """A block that a reader types in."""

    text: str
    fails: bool


@dataclass(frozen=True)
class File:
    """A block that a reader writes to the file named in the paragraph before it."""

    path: str
    text: str


def blocks() -> Iterator[Command | File]:
    before = 0
    for match in _BLOCK.finditer(PAGE):
        language, fails, text = match.groups()
        if language == "sh":
            yield Command(text, fails is not None)
        else:
            yield File(_FILE.findall(PAGE[before : match.start()])[-1], text)
        before = match.end()


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Path]:
    """What a clone of this checkout would have, with what is not committed yet."""
    folder = tmp_path / "waybill"
    for name in files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    yield folder
    subprocess.run(["make", "down"], cwd=folder, check=False, capture_output=True)


def run(command: str, checkout: Path) -> subprocess.CompletedProcess[str]:
    """In a shell that has read the addresses, where there are any, as the reader's has."""
    outside = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    return subprocess.run(
        ["bash", "-c", f"[ ! -f .run/env ] || . .run/env; set -e\n{command}"],
        cwd=checkout,
        env=outside,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def test_a_reader_gets_to_a_report_of_their_own(checkout: Path) -> None:
    printed = []
    for block in blocks():
        if isinstance(block, File):
            (checkout / block.path).write_text(block.text)
            continue
        done = run(block.text, checkout)
        assert (done.returncode != 0) is block.fails, f"{block.text}\n{done.stdout}"
        printed.append(done.stdout)
    everything = "\n".join(printed)

    assert "✗ doWork:5" in everything, "the demonstration shows the failing step"
    assert (checkout / "sales.csv").read_text().startswith("product,sold")
    assert "load orders" in everything
    assert "month: must be at most 12" in everything
