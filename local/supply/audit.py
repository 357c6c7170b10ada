"""Asks a vulnerability service about every locked package.

pip-audit says "No known vulnerabilities found", with exit code 0, also where the service knows none of the
packages, as behind a mirror of the index. So what counts is whether each package got an answer of its own.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TextIO

from local.paths import CHECKOUT
from local.supply import locks
from local.supply.tools import PIP_AUDIT

SERVICES = ("pypi", "osv")
_TIMEOUT_SECONDS = 10

Package = tuple[str, str]
"""Name and version."""


class Outcome(IntEnum):
    """The exit codes of `audit`."""

    CLEAN = 0
    VULNERABLE = 1
    NOT_AUDITED = 3
    """A package got no answer: nothing is known about it."""


@dataclass(frozen=True)
class Answer:
    """`findings`: what is known against each package that got an answer. `reason`: why others got none."""

    findings: dict[Package, list[str]]
    reason: str = ""


def audit(out: TextIO, services: Sequence[str] = SERVICES, osv_url: str | None = None) -> Outcome:
    """Asks each service about those that the ones before it did not know, and prints what came of it.

    `osv_url`: of the query of an OSV service, where it is not osv.dev's. Raises SetupFailedError, LockError.
    """
    tool = PIP_AUDIT.install()
    users = _locked()
    findings: dict[Package, list[str]] = {}
    reasons = []
    for service in services:
        missing = sorted(users.keys() - findings.keys())
        if not missing:
            break
        answer = _ask(tool, service, missing, osv_url)
        findings |= answer.findings
        if answer.reason:
            reasons.append(f"{service}: {answer.reason}")
    return report(users, findings, reasons, out)


def report(
    users: dict[Package, list[str]], findings: dict[Package, list[str]], reasons: Sequence[str], out: TextIO
) -> Outcome:
    """Prints what is known. `users` has the locks of each package."""
    vulnerable = sorted(package for package, found in findings.items() if found)
    for name, version in vulnerable:
        known = ", ".join(findings[name, version])
        print(f"{name} {version}: {known}; in {', '.join(users[name, version])}", file=out)
    missing = len(users.keys() - findings.keys())
    if missing:
        why = "; ".join(reasons) or "it knows them not"
        print(
            f"audit skipped for {missing} of {len(users)} packages, of which nothing is known: {why}",
            file=out,
        )
    if vulnerable:
        print(f"{len(vulnerable)} of {len(findings)} packages have known vulnerabilities", file=out)
        return Outcome.VULNERABLE
    if missing:
        return Outcome.NOT_AUDITED
    print(f"{len(findings)} packages of all locks: no known vulnerability", file=out)
    return Outcome.CLEAN


def read_answer(stdout: str, stderr: str, asked: Iterable[Package]) -> Answer:
    """Of a pip-audit. A package that it skipped, or does not speak of, has got no answer."""
    try:
        dependencies = json.loads(stdout)["dependencies"]
        spoken_of = {
            (dependency["name"], dependency["version"]): [known["id"] for known in dependency["vulns"]]
            for dependency in dependencies
            if "skip_reason" not in dependency
        }
    except (ValueError, KeyError, TypeError):
        lines = [line for line in stderr.splitlines() if line.strip()]
        return Answer({}, lines[-1].strip()[:300] if lines else "pip-audit said nothing")
    findings = {package: spoken_of[package] for package in asked if package in spoken_of}
    skipped = [dependency["skip_reason"] for dependency in dependencies if "skip_reason" in dependency]
    return Answer(findings, skipped[0] if skipped else "")


def _locked() -> dict[Package, list[str]]:
    """Every package of every lock, whatever machine it is for, with the locks that have it."""
    users: dict[Package, list[str]] = {}
    for lock in locks.all_locks():
        for entry in locks.read(lock):
            users.setdefault((entry.name, entry.version), []).append(str(lock.relative_to(CHECKOUT)))
    return users


def _ask(tool: Path, service: str, packages: Sequence[Package], osv_url: str | None) -> Answer:
    findings: dict[Package, list[str]] = {}
    reasons = []
    for asked in one_version_each(packages):
        answer = _run(tool, service, asked, osv_url)
        findings |= answer.findings
        if answer.reason:
            reasons.append(answer.reason)
    return Answer(findings, reasons[0] if reasons else "")


def one_version_each(packages: Iterable[Package]) -> list[list[Package]]:
    """Parts in which no name is there twice, as a requirements file must be."""
    parts: list[dict[str, str]] = []
    for name, version in packages:
        part = next((part for part in parts if name not in part), None)
        if part is None:
            parts.append(part := {})
        part[name] = version
    return [list(part.items()) for part in parts]


def _run(tool: Path, service: str, packages: Sequence[Package], osv_url: str | None) -> Answer:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirements:
        requirements.write("".join(f"{name}=={version}\n" for name, version in packages))
        requirements.flush()
        options = ("--no-deps", "--disable-pip", "--progress-spinner=off", f"--timeout={_TIMEOUT_SECONDS}")
        where = (f"--osv-url={osv_url}",) if osv_url else ()
        command = (sys.executable, "-m", "pip_audit", "--format=json", f"--vulnerability-service={service}")
        done = subprocess.run(
            (*command, *options, *where, "--requirement", requirements.name),
            env={**os.environ, "PYTHONPATH": str(tool)},
            capture_output=True,
            text=True,
            check=False,
        )
    return read_answer(done.stdout, done.stderr, packages)
