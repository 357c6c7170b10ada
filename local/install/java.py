"""The JDK: must be there already."""

import functools
import os
import re
import shutil
import subprocess
from pathlib import Path

MINIMUM = 17


def path() -> Path | None:
    """Of `java`: that of JAVA_HOME, else that on the PATH."""
    home = os.environ.get("JAVA_HOME")
    if home and (Path(home) / "bin/java").is_file():
        return Path(home) / "bin/java"
    found = shutil.which("java")
    return Path(found) if found else None


@functools.cache
def version_text(java: Path) -> str:
    """What `java -version` prints; tells one build of a JVM from another. Empty if it does not run."""
    result = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    return result.stderr if result.returncode == 0 else ""


def major_version(text: str) -> int | None:
    """17 for `openjdk version "17.0.15"`, 8 for `java version "1.8.0_392"`; None for what is neither."""
    match = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(match[1]) if match else None
