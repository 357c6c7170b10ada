"""Finds the Kubernetes programs: on the PATH, among envtest's assets, or in a folder that offers a cluster.

Nothing is fetched, except that kube-score, and Helm 4 where there is none, are built from their Go modules.
"""

import os
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from local.install import go

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "waybill"
HELM_4 = "4.3.1"
KUBE_SCORE = "1.20.0"
HELM_MAJORS = (3, 4)


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
def helm(major: int) -> Helm:
    """The Helm of a major version. Raises `Missing`."""
    for name in (f"helm{major}", "helm"):
        program = shutil.which(name, path=search_path())
        if program is not None and _major(Path(program)) == major:
            return Helm(Path(program), major)
    if major == 4:
        return Helm(_build_helm(), major)
    raise Missing(f"no Helm {major}: put it on the PATH")


@cache
def any_helm() -> Helm:
    """The oldest Helm there is. Raises `Missing`."""
    for major in HELM_MAJORS[:-1]:
        with suppress(Missing):
            return helm(major)
    return helm(HELM_MAJORS[-1])


def environment(**more: str) -> dict[str, str]:
    """The environment for Kubernetes programs: ours, with everything that `find` finds on the PATH."""
    return {**os.environ, "PATH": search_path(), **more}


def _major(program: Path) -> int:
    version = subprocess.run(
        [program, "version", "--template", "{{.Version}}"], capture_output=True, text=True, check=True
    ).stdout
    match = re.match(r"v?(\d+)\.", version)
    return int(match[1]) if match else 0


@cache
def kube_score() -> Path:
    """From the cache, else built: about 20 s on two cores. Raises `Missing`."""
    return _build("kube-score", KUBE_SCORE, "github.com/zegl/kube-score/cmd/kube-score", "20 s")


def _build_helm() -> Path:
    """From the cache, else built. Raises `Missing`."""
    version = f"-X helm.sh/helm/v4/internal/version.version=v{HELM_4}"
    return _build("helm", HELM_4, "helm.sh/helm/v4/cmd/helm", "two minutes or more", version)


def _build(name: str, version: str, package: str, patience: str, linker: str = "") -> Path:
    """The program of the Go module in k8s/NAME, which pins the version by its sums. Raises `Missing`."""
    program = CACHE / name / f"{name}-{version}"
    if program.exists():
        return program
    compiler = go.find()
    if compiler is None:
        raise Missing(f"no {name} {version}, and no Go to build it with: put go on the PATH")
    sys.stderr.write(f"{name} {version} is built from its Go module: {patience}, once.\n")
    program.parent.mkdir(parents=True, exist_ok=True)
    new = program.with_suffix(f".{os.getpid()}")
    built = subprocess.run(
        [compiler, "build", "-trimpath", "-ldflags", f"-s -w {linker}", "-o", new, package],
        cwd=ROOT / "k8s" / name,
        env={**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false"},
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode != 0:
        raise Missing(f"{name} {version} cannot be built: {built.stderr.strip()[-300:]}")
    return new.rename(program)


@cache
def _folder_path() -> str:
    """The cluster folder's programs: its `apiserver up` unpacks them and prints where they are.

    It is asked once; then the cache knows the answer.
    """
    folder = cluster_folder()
    if folder is None or os.geteuid() != 0:
        return ""
    known = CACHE / "cluster-programs"
    if known.exists() and Path(known.read_text(), "kube-apiserver").exists():
        return known.read_text()
    up = subprocess.run([folder / "apiserver", "up"], capture_output=True, text=True, check=False)
    match = re.search(r"PATH='([^']+)'", up.stdout)
    if up.returncode != 0 or match is None:
        return ""
    if "already running" not in up.stdout:
        subprocess.run([folder / "apiserver", "down"], capture_output=True, check=True)
    known.parent.mkdir(parents=True, exist_ok=True)
    known.write_text(match[1])
    return match[1]
