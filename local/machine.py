"""What a machine must already have, and the line that installs it."""

import importlib.util
import os
import shutil
from dataclasses import dataclass

from local.errors import LocalError


@dataclass(frozen=True)
class Missing:
    what: str
    packages: dict[str, str]
    """Its package, by the command that installs packages."""


class MissingToolsError(LocalError):
    def __init__(self, missing: list[Missing], installer: str | None) -> None:
        super().__init__("\n".join(["this machine lacks:", *(_line(one, installer) for one in missing)]))


def check() -> None:
    """Raises MissingToolsError that names all that is missing."""
    missing = [one for one in (_pip(),) if one]
    if missing:
        raise MissingToolsError(missing, _installer())


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory() -> int:
    """Bytes of the machine, whatever is in use."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _pip() -> Missing | None:
    """Debian's Python comes without it, and without what makes virtual environments that have it."""
    if importlib.util.find_spec("pip") or importlib.util.find_spec("ensurepip"):
        return None
    return Missing(what="Python's package pip", packages={"apt-get": "python3-pip", "dnf": "python3-pip"})


def _installer() -> str | None:
    return next((name for name in ("apt-get", "dnf", "brew") if shutil.which(name)), None)


def _line(missing: Missing, installer: str | None) -> str:
    package = missing.packages.get(installer or "")
    if package is None:
        return f"  {missing.what}"
    prefix = "" if installer == "brew" or os.geteuid() == 0 else "sudo "
    return f"  {missing.what}: {prefix}{installer} install {package}"
