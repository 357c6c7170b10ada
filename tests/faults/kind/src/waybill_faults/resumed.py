"""Produces a `resumed` report: its artefact is a function of its steps' results, each of which is one of the
result before it."""

import hashlib
import os
import time
from pathlib import Path
from typing import Any

from waybill.kinds import Artefact, Work

from . import EffectParameters, step_names
from .job import begin_effect, end_effect

LOG = "FAULTS_STEPS_LOG"
"""The file to which each run of a step adds a line: report, step, attempt."""
_FILE_LINES = 500


def produce(parameters: EffectParameters, work: Work) -> Artefact:
    """Every other step keeps JSON, the others a file."""
    effect = begin_effect(work)
    sums, last = [], ""
    for number, name in enumerate(step_names(parameters)):
        with work.step(name, resume=True) as step:
            if not step.reused:
                _log(f"{work.report_id} {name} {work.attempt}")
                time.sleep(parameters.step_ms / 1000)
                made = hashlib.sha256(f"{parameters.request} {number} {last}".encode()).hexdigest()
                step.keep(_written(work.directory / name, made) if number % 2 else {"sum": made})
            last = _sum(step.result)
        sums.append(last)
    end_effect(effect)
    file = work.directory / "sums.txt"
    file.write_text("\n".join(sums))
    return Artefact(path=file, media_type="text/plain", filename=file.name)


def _written(path: Path, made: str) -> Path:
    path.write_text(f"{made}\n" * _FILE_LINES)
    return path


def _sum(result: Any) -> str:
    if isinstance(result, Path):
        return hashlib.sha256(result.read_bytes()).hexdigest()
    return str(result["sum"])


def _log(line: str) -> None:
    """In one write, so that no kill leaves a part of it."""
    file = os.open(os.environ[LOG], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, f"{line}\n".encode())
    finally:
        os.close(file)
