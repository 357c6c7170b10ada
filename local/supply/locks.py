"""The requirements files with hashes that `make lock` writes: all that is installed from a package index."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from local.errors import LocalError
from local.paths import CHECKOUT

IMAGES = ("producer-api", "report-worker")

_ENTRY = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])?==(?P<version>[A-Za-z0-9.!+_-]+)"
    r"(?:\s*;\s*(?P<marker>.*?))?(?P<hashes>(?:\s+--hash=sha256:[0-9a-f]{64})+)"
)


class LockError(LocalError):
    """A line of a lock is no version with hashes."""


@dataclass(frozen=True)
class Locked:
    """One package. `marker`: where it is installed, as PEP 508 writes it; empty: everywhere."""

    name: str
    version: str
    marker: str
    hashes: frozenset[str]
    """SHA-256 of each file that may be installed."""
    line: str
    """As pip reads it."""


def all_locks() -> list[Path]:
    """Every lock of the checkout."""
    patterns = ("services/*/requirements.txt", "services/build-requirements.txt", "tests/requirements.txt")
    more = ("tests/bench/requirements.txt", "local/requirements/*.txt")
    return sorted(file for pattern in (*patterns, *more) for file in CHECKOUT.glob(pattern))


def of_image(image: str) -> Path:
    """The lock that an image is built from."""
    return CHECKOUT / "services" / image / "requirements.txt"


def read(lock: Path) -> list[Locked]:
    """Raises `LockError` where something in it could be installed without a hash."""
    return list(_entries(lock))


def _entries(lock: Path) -> Iterator[Locked]:
    text = re.sub(r"\s*\\\n\s*", " ", lock.read_text())
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _ENTRY.fullmatch(line.strip())
        if match is None:
            raise LockError(
                f"{lock}: entry {number} is no version with hashes; run: make lock\n    {line[:100]}"
            )
        hashes = re.findall(r"sha256:([0-9a-f]{64})", match["hashes"])
        yield Locked(match["name"], match["version"], match["marker"] or "", frozenset(hashes), line.strip())
