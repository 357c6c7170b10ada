"""What a machine must already have, and the line that installs it."""

import contextlib
import importlib.util
import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

from local.errors import LocalError
from local.install import java, kafka


@dataclass(frozen=True)
class Missing:
    what: str
    found: str
    """What there is instead; empty if nothing."""
    packages: dict[str, str]
    """Its package, by the command that installs packages."""


class MissingToolsError(LocalError):
    def __init__(self, missing: list[Missing], installer: str | None) -> None:
        super().__init__("\n".join(["this machine lacks:", *(_line(one, installer) for one in missing)]))


def check() -> Path:
    """Raises MissingToolsError that names all that is missing; returns the path of `java`."""
    java_path = java.path()
    missing = [one for one in (_java(java_path), _maven(), _venv()) if one]
    if missing or java_path is None:
        raise MissingToolsError(missing, _installer())
    return java_path


def _java(path: Path | None) -> Missing | None:
    found = java.major_version(java.version_text(path)) if path else None
    if found is not None and found >= java.MINIMUM:
        return None
    return Missing(
        what=f"Java {java.MINIMUM} or newer (a JDK)",
        found=f"{path} is Java {found}" if found else f"{path} does not run" if path else "",
        packages={"apt-get": _debian_jdk(), "dnf": "java-21-openjdk-devel", "brew": "openjdk"},
    )


def _debian_jdk() -> str:
    """Debian 12 has Java 17; its successors and Ubuntu's have 21."""
    with contextlib.suppress(OSError):
        release = platform.freedesktop_os_release()
        if (release["ID"], release.get("VERSION_ID")) == ("debian", "12"):
            return "openjdk-17-jdk-headless"
    return "openjdk-21-jdk-headless"


def _maven() -> Missing | None:
    """Only to fetch Kafka."""
    if kafka.libraries().exists() or shutil.which("mvn"):
        return None
    return Missing(
        what="Maven (the command mvn)", found="", packages=dict.fromkeys(("apt-get", "dnf", "brew"), "maven")
    )


def _venv() -> Missing | None:
    """Debian's Python comes without what makes virtual environments."""
    if importlib.util.find_spec("ensurepip"):
        return None
    return Missing(what="Python's module venv", found="", packages={"apt-get": "python3-venv"})


def _installer() -> str | None:
    return next((name for name in ("apt-get", "dnf", "brew") if shutil.which(name)), None)


def _line(missing: Missing, installer: str | None) -> str:
    found = f" ({missing.found})" if missing.found else ""
    package = missing.packages.get(installer or "")
    if package is None:
        return f"  {missing.what}{found}"
    prefix = "" if installer == "brew" or os.geteuid() == 0 else "sudo "
    return f"  {missing.what}{found}: {prefix}{installer} install {package}"
