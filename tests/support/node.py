"""Runs the article's own programs, where Node.js is installed."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import cache

PROGRAMS = Path(__file__).parent.parent / "article"

_INSTALL = ("npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts")


def missing() -> str | None:
    """Which program this machine lacks, if any."""
    return next((name for name in ("node", "npm") if shutil.which(name) is None), None)


@dataclass(frozen=True)
class Node:
    """The programs beside their packages."""

    directory: Path

    @classmethod
    def installed(cls) -> "Node":
        """Gets the packages once for each version of the programs, into the cache that set-up uses."""
        files = sorted(PROGRAMS.iterdir())
        target = cache.root() / f"article-{cache.digest(*files)}"
        cache.make_once(target, _install)
        return cls(target)

    def run(self, program: str, *arguments: str) -> Any:
        """The JSON that the program prints."""
        done = subprocess.run(
            ["node", program, *arguments],
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def _install(directory: Path) -> None:
    shutil.copytree(PROGRAMS, directory, dirs_exist_ok=True)
    done = subprocess.run(_INSTALL, cwd=directory, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
