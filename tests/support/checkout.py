"""The files of this checkout."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def files(*places: str) -> list[str]:
    """What a commit of everything would hold, below `places`, as paths from `ROOT`."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *places],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]
