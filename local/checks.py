"""All checks of the project one after the other, each timed, and one table of what came of them."""

import json
import shlex
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from local import machine
from local.install import python
from local.paths import CHECKOUT
from local.progress import duration
from local.setup import set_up

GROUPS = ("lint", "unit", "fuzz", "chart", "integration")
_RESULTS = CHECKOUT / ".run/checks"
_SECONDS = _RESULTS / "seconds.json"
"""How long each check took the last time."""
_STACK_BYTES = 4 * 2**30
"""What the parts of a stack and the tests on it take, with room."""
_MOST_PROCESSES = 8
_TYPED = (
    "services/common/src",
    "services/client/src",
    "services/producer-api/src",
    "services/report-worker/src",
    "local",
    "tests",
    "k8s",
)


@dataclass(frozen=True)
class Counts:
    """What pytest says of its tests; `reasons` has the reason of each that was skipped."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    reasons: tuple[str, ...] = ()

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.passed + other.passed,
            self.failed + other.failed,
            self.skipped + other.skipped,
            self.reasons + other.reasons,
        )

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


@dataclass(frozen=True)
class Check:
    group: str
    name: str
    command: tuple[str, ...]
    junit: Path | None = None
    """Where pytest leaves its results."""


@dataclass(frozen=True)
class Result:
    name: str
    seconds: float
    ok: bool
    counts: Counts | None = None


def run(groups: Sequence[str], pytest_options: str, out: TextIO) -> int:
    """Sets up, runs the checks of the groups (of all, if none is named), and prints the table.

    Every check runs, whatever came of those before it. Returns 0 if all of them passed.
    """
    begin = time.monotonic()
    set_up(out, CHECKOUT / ".run/setup")
    results = [Result("set-up", time.monotonic() - begin, ok=True)]
    checks = [check for check in _checks(pytest_options) if not groups or check.group in groups]
    before = _read_seconds()
    results += [run_check(check, out, before.get(check.name)) for check in checks]
    _write_seconds(before, results)
    print_table(results, out)
    return 0 if all(result.ok for result in results) else 1


def _checks(pytest_options: str) -> list[Check]:
    scripts = python.VENV / "bin"
    ruff, mypy = str(scripts / "ruff"), str(scripts / "mypy")
    # By -m, so that the tests can import `local`, which is not installed.
    pytest = (str(scripts / "python"), "-m", "pytest")
    options = tuple(shlex.split(pytest_options))

    def tests(group: str) -> Check:
        junit = _RESULTS / f"{group}.xml"
        number = 1 if options else processes(group, machine.cores(), machine.memory())
        beside = ("-n", str(number), "--dist", "loadfile") if number > 1 else ()
        command = (*pytest, f"--junit-xml={junit}", f"tests/{group}", *beside, *options)
        return Check(group, f"{group} tests", command, junit)

    return [
        Check("lint", "ruff check", (ruff, "check")),
        Check("lint", "ruff format", (ruff, "format", "--check")),
        Check("lint", "mypy", (mypy, "--strict", *_TYPED)),
        Check("lint", "workflows", (sys.executable, "-m", "local", "workflows")),
        tests("unit"),
        tests("fuzz"),
        tests("chart"),
        tests("integration"),
    ]


def processes(group: str, cores: int, memory: int) -> int:
    """How many processes share the tests of a group, each file as a whole, on a machine with these cores and
    bytes of memory. Each process of integration tests has its own stack."""
    room = memory // _STACK_BYTES if group == "integration" else _MOST_PROCESSES
    return max(1, min(cores, room, _MOST_PROCESSES))


def run_check(check: Check, out: TextIO, expected: float | None = None) -> Result:
    """A pytest that ended before it could tell anything has failed, whatever its exit code says.

    `expected` is how many seconds it took the last time.
    """
    estimate = f" (the last time: {duration(expected)})" if expected is not None else ""
    print(f"\n== {check.name}{estimate}", file=out, flush=True)
    if check.junit:
        check.junit.parent.mkdir(parents=True, exist_ok=True)
        check.junit.unlink(missing_ok=True)
    begin = time.monotonic()
    code = subprocess.run(check.command, cwd=CHECKOUT, check=False).returncode
    counts = read_junit(check.junit) if check.junit else None
    return Result(check.name, time.monotonic() - begin, code == 0 and counts != Counts(), counts)


def read_junit(file: Path) -> Counts:
    """No tests at all if the file is not there: pytest did not get so far."""
    if not file.exists():
        return Counts()
    cases = ET.parse(file).getroot().findall(".//testcase")  # noqa: S314 - ours
    skipped = [(case, case.find("skipped")) for case in cases]
    reasons = tuple(str(skip.get("message")) for _case, skip in skipped if skip is not None)
    failed = sum(1 for case in cases if case.find("failure") is not None or case.find("error") is not None)
    return Counts(len(cases) - failed - len(reasons), failed, len(reasons), reasons)


def print_table(results: Sequence[Result], out: TextIO) -> None:
    """A line for each part, then the reasons for which tests were skipped, then the counts."""
    print(file=out)
    for result in results:
        verdict = "ok" if result.ok else "FAILED"
        counts = f"  {result.counts}" if result.counts else ""
        print(f"{result.name:<20}{duration(result.seconds):>10}  {verdict:<6}{counts}".rstrip(), file=out)
    print(f"{'together':<20}{duration(sum(result.seconds for result in results)):>10}", file=out)
    counted = [result.counts for result in results if result.counts]
    if counted:
        total = sum(counted, Counts())
        for reason, count in Counter(total.reasons).most_common():
            print(f"skipped {count}: {reason}", file=out)
        print(total, file=out)
    out.flush()


def _read_seconds() -> dict[str, float]:
    try:
        seconds: dict[str, float] = json.loads(_SECONDS.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return seconds


def _write_seconds(before: Mapping[str, float], results: Sequence[Result]) -> None:
    now = {result.name: round(result.seconds, 1) for result in results if result.ok}
    _SECONDS.parent.mkdir(parents=True, exist_ok=True)
    _SECONDS.write_text(json.dumps({**before, **now}))
