"""Jaeger from the project's release archive, which has the web pages."""

import hashlib
import os
import platform
import re
import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local.install.context import Context
from local.install.download import DownloadFailedError, download
from local.progress import size

RELEASES_VARIABLE = "WAYBILL_JAEGER_RELEASES"
"""Environment variable: where the folders of the releases are, for those who have a copy of their own."""

_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True)
class Release:
    """One release, and the SHA-256 of its archives as far as they are known, by platform (`linux-amd64`).

    For another platform the program inside is compared with the release's own list of checksums.
    """

    version: str
    sha256: Mapping[str, str] = field(default_factory=dict)
    url: str = "https://github.com/jaegertracing/jaeger/releases/download"

    @property
    def folder(self) -> str:
        base = os.environ.get(RELEASES_VARIABLE) or self.url
        return f"{base.rstrip('/')}/v{self.version}"

    def name(self, system: str) -> str:
        """Of the archive, and of the folder in it."""
        return f"jaeger-{self.version}-{system}"


RELEASE = Release(
    version="2.20.0",
    sha256={
        "linux-amd64": "c967368ba09be356089ef7e8aab2a76d170dc007ff6ccf7925c8167ede2900d7",
        "darwin-arm64": "b2d21051b27f06535c288dd63e15a42d5aae653d0113695014d7e6b502736e5d",
    },
)
"""The version is that of the chart and of compose.yaml."""


def this_platform() -> str:
    machine = platform.machine().lower()
    return f"{platform.system().lower()}-{_ARCHITECTURES.get(machine, machine)}"


def fetch(context: Context, target: Path, release: Release | None = None, system: str | None = None) -> None:
    """Writes the program to `target`. Raises DownloadFailedError; then `target` is not there."""
    release = release or RELEASE
    name = release.name(system or this_platform())
    archive = target.with_name(f"{name}.tar.gz")

    def progress(done: int, total: int | None) -> None:
        context.launcher.check_open()
        context.say(f"downloading {release.version}: {size(done)}{f' of {size(total)}' if total else ''}")

    try:
        checksum = download(f"{release.folder}/{archive.name}", archive, progress)
        expected = release.sha256.get(system or this_platform())
        if expected is not None:
            _expect("", checksum, expected)
        _unpack(archive, name, target)
        if expected is None:
            _compare(release, name, target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    finally:
        archive.unlink(missing_ok=True)
    target.chmod(0o755)


def _unpack(archive: Path, name: str, target: Path) -> None:
    try:
        with tarfile.open(archive) as opened:
            program = opened.extractfile(f"{name}/jaeger")
            if program is None:
                raise DownloadFailedError("has no program in it")
            with program, target.open("wb") as file:
                shutil.copyfileobj(program, file)
    except (tarfile.TarError, EOFError, OSError, KeyError) as error:
        raise DownloadFailedError(f"is not an archive with {name}/jaeger: {error}") from error


def _compare(release: Release, name: str, program: Path) -> None:
    """With the release's list of its files: `HASH *jaeger-2.20.0-linux-arm64/jaeger`."""
    listing = program.with_name("sha256sum.txt")
    try:
        download(f"{release.folder}/{name}.sha256sum.txt", listing)
        expected = re.search(
            rf"^([0-9a-f]{{64}}) [ *]{re.escape(name)}/jaeger$", listing.read_text(), re.MULTILINE
        )
    finally:
        listing.unlink(missing_ok=True)
    if expected is None:
        raise DownloadFailedError("has no checksum in the release's list")
    with program.open("rb") as file:
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
    _expect("a program with ", checksum, expected[1])


def _expect(what: str, checksum: str, expected: str) -> None:
    if checksum != expected:
        raise DownloadFailedError(f"has {what}the SHA-256 {checksum}, not {expected}")
