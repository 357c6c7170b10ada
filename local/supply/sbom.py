"""The bill of materials of each image: CycloneDX, in JSON, of the packages in its lock with their hashes."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TextIO

from local.errors import LocalError
from local.paths import CHECKOUT
from local.supply import locks
from local.supply.tools import CYCLONEDX

FOLDER = CHECKOUT / "build/sbom"


class SbomError(LocalError):
    """cyclonedx-py has written none; the text is what it said."""


def write(out: TextIO, folder: Path = FOLDER) -> list[Path]:
    """Writes that of each image. The same lock gives the same bytes.

    Raises SbomError, LockError, SetupFailedError.
    """
    environment = {**os.environ, "PYTHONPATH": str(CYCLONEDX.install())}
    folder.mkdir(parents=True, exist_ok=True)
    return [_write_one(image, folder / f"{image}.cdx.json", environment, out) for image in locks.IMAGES]


def _write_one(image: str, file: Path, environment: dict[str, str], out: TextIO) -> Path:
    # The markers are read by a library that is among the tool's, so another process does that.
    select = (
        sys.executable,
        "-m",
        "local.supply.image_lock",
        str(locks.of_image(image)),
        python_version(image),
    )
    selected = _run(select, environment)
    pyproject = CHECKOUT / "services" / image / "pyproject.toml"
    options = ("--mc-type", "application", "--output-reproducible", "--spec-version", "1.6")
    written = ("--output-format", "JSON", "--output-file", str(file), "--pyproject", str(pyproject))
    _run(
        (sys.executable, "-m", "cyclonedx_py", "requirements", *options, *written, "-"), environment, selected
    )
    print(f"{file.relative_to(file.parents[2])}: {len(selected.splitlines())} packages", file=out)
    return file


def python_version(image: str) -> str:
    """`3.11`: of the Python that an image is built on."""
    dockerfile = CHECKOUT / "services" / image / "Dockerfile"
    match = re.search(r"^ARG PYTHON_IMAGE=python:(\d+\.\d+)", dockerfile.read_text(), re.MULTILINE)
    if match is None:
        raise SbomError(f"{dockerfile}: no ARG PYTHON_IMAGE=python:VERSION")
    return match[1]


def _run(command: tuple[str, ...], environment: dict[str, str], text: str = "") -> str:
    done = subprocess.run(
        command, cwd=CHECKOUT, env=environment, input=text, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SbomError(f"{' '.join(command[2:4])} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout
