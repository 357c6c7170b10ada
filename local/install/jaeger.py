"""Jaeger v2, which is also our collector: on the PATH, in the cache, of its release, or built from source."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from local import cache
from local.install import go, jaeger_release
from local.install.context import Context
from local.install.download import DownloadFailedError
from local.paths import CHECKOUT
from local.progress import remaining, size

BUILT_VERSION = "2.13.0"
"""Of the program that is built, the newest that can be built from a module alone: docs/decisions/0103. In
`local/jaeger/go.mod` the same source is version 1.76.0 of the module."""

_MODULE = CHECKOUT / "local/jaeger"
_PACKAGE = "github.com/jaegertracing/jaeger/cmd/jaeger"
_GO_ENVIRONMENT = {"CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": ""}


def find() -> Path | None:
    cached = (file for file in (_released(), _built()) if file.exists())
    return _on_path() or next(cached, None)


def install(context: Context) -> None:
    reason = None
    if find() is None:
        reason = _download(context)
        if reason is not None:
            cache.make_once(_built().parent, lambda target: _build(context, target), context.waiting)
    found = find() or _built()
    why = f"; built from source, as the release {reason}" if reason else ""
    context.say(f"{found}, {size(found.stat().st_size)}{why}")


def _download(context: Context) -> str | None:
    """Tries the release; returns why it cannot be had, in words that follow its name."""

    def fetch(target: Path) -> None:
        jaeger_release.fetch(context, target / "jaeger")

    context.say(f"looking for the release {jaeger_release.RELEASE.version}")
    try:
        cache.make_once(_released().parent, fetch, context.waiting)
    except DownloadFailedError as error:
        with context.log.open("a") as log:
            log.write(f"the release archive in {jaeger_release.RELEASE.folder} {error}\n")
        return str(error)
    return None


def _on_path() -> Path | None:
    found = shutil.which("jaeger")
    if not found:
        return None
    result = subprocess.run([found, "version"], capture_output=True, text=True, check=False)
    return Path(found) if is_second(result.stdout) else None


def is_second(version_output: str) -> bool:
    """Whether this is what Jaeger v2 prints: `{"gitCommit":"…","gitVersion":"v2.13.0","buildDate":"…"}`."""
    try:
        return str(json.loads(version_output)["gitVersion"]).startswith("v2.")
    except (ValueError, LookupError, TypeError):
        return False


def _released() -> Path:
    return cache.root() / f"jaeger-{jaeger_release.RELEASE.version}-release" / "jaeger"


def _built() -> Path:
    return cache.root() / f"jaeger-{BUILT_VERSION}-{cache.digest(_MODULE / 'go.sum')}" / "jaeger"


def _build(context: Context, folder: Path) -> None:
    """Writes the program into the folder. Go keeps what was compiled: a build that was ended continues."""
    program = str(go.install(context))
    packages = _fetch_sources(context, program)
    linker = f"-s -w -X github.com/jaegertracing/jaeger/internal/version.latestVersion=v{BUILT_VERSION}"
    options = ("-v", "-mod=readonly", "-trimpath", "-ldflags", linker, "-o", str(folder / "jaeger"))
    before = _compiled_before()
    compiled: list[str] = []
    begin = time.monotonic()

    def on_line(line: str) -> None:
        if not line.startswith("go: "):
            compiled.append(line)
            done = min(before + len(compiled), packages)
            _compiled_file().write_text(str(done))
            left = remaining(time.monotonic() - begin, len(compiled), packages - before)
            context.say(f"building from source: {done} of {packages} packages{left}")

    _run(context, "building from source", (program, "build", *options, _PACKAGE), on_line)
    _compiled_file().unlink(missing_ok=True)


def _compiled_before() -> int:
    """How many packages a build that was ended had compiled: Go does not name them again."""
    try:
        return int(_compiled_file().read_text())
    except (FileNotFoundError, ValueError):
        return 0


def _compiled_file() -> Path:
    return _built().parent.with_name(f"{_built().parent.name}-compiled")


def _fetch_sources(context: Context, program: str) -> int:
    """Downloads the modules that the build needs; returns how many packages it will compile."""
    what = "downloading its sources"
    packages: list[str] = []
    modules: list[str] = []

    def on_line(line: str) -> None:
        (modules if line.startswith("go: downloading") else packages).append(line)
        context.say(f"{what}: {len(modules)} modules")

    _run(context, what, (program, "list", "-mod=readonly", "-deps", _PACKAGE), on_line)
    return len(packages)


def _run(context: Context, what: str, command: tuple[str, ...], on_line: Callable[[str], None]) -> None:
    context.run(what, command, environment=_GO_ENVIRONMENT, directory=_MODULE, on_line=on_line)
