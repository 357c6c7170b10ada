"""What the environment of a job, or of a preview, has: the file of sources, and what sources name there."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from report_worker.slots.environment import SOURCES


def sources_file(environment: Mapping[str, str]) -> Path | None:
    """An empty variable is an unset one."""
    named = environment.get(SOURCES)
    return Path(named) if named else None


def has_display(environment: Mapping[str, str], platform: str = sys.platform) -> bool:
    """Whether a browser can show something to who started this process."""
    return platform in ("darwin", "win32") or any(map(environment.get, ("DISPLAY", "WAYLAND_DISPLAY")))


def own_environment() -> Mapping[str, str]:
    """Of this process."""
    return os.environ
