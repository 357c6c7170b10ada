"""Finds the Kubernetes programs: on the PATH, among envtest's assets, or in a folder that offers a cluster.

Nothing is fetched, except that Helm 4 is built from its Go module where there is a Go and no Helm 4.
"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "waybill"
HELM_4 = "4.3.1"


class Missing(Exception):  # noqa: N818 - the name is the sentence
    """This machine does not offer something; the message says what, and how to offer it."""


@dataclass(frozen=True)
class Helm:
    """One Helm, and its major version."""

    program: Path
    major: int


def cluster_folder() -> Path | None:
    """A folder with commands `apiserver`, `up`, `load`, … for machines that cannot pull images.

    WAYBILL_CLUSTER names it; else it is looked for beside the checkout.
    """
    named = os.environ.get("WAYBILL_CLUSTER")
    folder = Path(named) if named else ROOT.parent / "shared" / "machine" / "cluster"
    return folder if (folder / "apiserver").is_file() else None


@cache
def search_path() -> str:
    """Where programs are looked for, as a PATH. The PATH itself comes last: its kubectl may be old."""
    assets = os.environ.get("KUBEBUILDER_ASSETS", "")
    return os.pathsep.join(filter(None, (assets, _folder_path(), os.environ.get("PATH", ""))))


def find(name: str) -> Path:
    """Raises `Missing`."""
    found = shutil.which(name, path=search_path())
    if found is None:
        raise Missing(
            f"no {name}: put it on the PATH or in KUBEBUILDER_ASSETS, or name a folder in WAYBILL_CLUSTER"
        )
    return Path(found)


@cache
def helms() -> tuple[Helm, ...]:
    """Every Helm there is, one for each major version, oldest first. Raises `Missing` when there is none."""
    found: dict[int, Helm] = {}
    for name in ("helm", "helm3", "helm4"):
        program = shutil.which(name, path=search_path())
        if program is not None:
            helm = Helm(Path(program), _major(Path(program)))
            found.setdefault(helm.major, helm)
    if 4 not in found and shutil.which("go"):
        found[4] = Helm(_build_helm(), 4)
    if not found:
        raise Missing("no helm, and no Go to build one: install either")
    return tuple(found[major] for major in sorted(found))


def environment(**more: str) -> dict[str, str]:
    """The environment for Kubernetes programs: ours, with everything that `find` finds on the PATH."""
    return {**os.environ, "PATH": search_path(), **more}


def _major(helm: Path) -> int:
    version = subprocess.run(
        [helm, "version", "--template", "{{.Version}}"], capture_output=True, text=True, check=True
    ).stdout
    match = re.match(r"v?(\d+)\.", version)
    if match is None:
        raise Missing(f"{helm} does not say its version, but {version!r}")
    return int(match[1])


def _build_helm() -> Path:
    """About two minutes on two cores the first time, then from the cache."""
    program = CACHE / "helm" / f"helm-{HELM_4}"
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        new = program.with_suffix(f".{os.getpid()}")
        flags = f"-s -w -X helm.sh/helm/v4/internal/version.version=v{HELM_4}"
        subprocess.run(
            ["go", "build", "-trimpath", "-ldflags", flags, "-o", new, "helm.sh/helm/v4/cmd/helm"],
            cwd=ROOT / "k8s" / "helm",
            env={**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly"},
            check=True,
        )
        new.rename(program)
    return program


@cache
def _folder_path() -> str:
    """The cluster folder's programs: its `apiserver up` unpacks them and prints where they are."""
    folder = cluster_folder()
    if folder is None or os.geteuid() != 0:
        return ""
    up = subprocess.run([folder / "apiserver", "up"], capture_output=True, text=True, check=False)
    if up.returncode != 0:
        return ""
    if "already running" not in up.stdout:
        subprocess.run([folder / "apiserver", "down"], capture_output=True, check=True)
    match = re.search(r"PATH='([^']+)'", up.stdout)
    return match[1] if match else ""
