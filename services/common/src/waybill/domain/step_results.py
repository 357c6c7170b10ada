"""What steps leave for a later attempt at the same report, so that it does not run them again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from waybill.domain.carrier import Carrier

if TYPE_CHECKING:
    from waybill.domain.report import Report

MAX_VALUE_BYTES = 64 * 1024
"""Of one result that is JSON; a larger one has to be a file."""
MAX_VALUES_BYTES = 4 * 1024 * 1024
"""Of all of a report that are JSON: a slot gets them in one message."""
MAX_RESULTS = 1000
"""Of one report."""


@dataclass(frozen=True)
class StoredFile:
    """A result that is a file: its key in the artefact store, and its path in the attempt's directory. `size`
    in bytes; `sha256` in hex."""

    key: str
    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class StepResult:
    """What a step left: a `value`, the text of some JSON, or a `file`. `carrier`: of the span that made it.

    It is for an attempt with the same `digest` alone.
    """

    step: str
    digest: str
    attempt: int
    value: str | None
    file: StoredFile | None
    carrier: Carrier | None


def work_digest(report: "Report") -> str:
    """A checksum, in hex, of all that a report's steps are made from: where it differs, so may they."""
    defined = {"definition": report.definition} if report.definition else {}
    return _digest({"kind": report.kind, "parameters": report.parameters, **defined})


def _digest(made_from: Mapping[str, Any]) -> str:
    return sha256(json.dumps(made_from, sort_keys=True, default=str).encode()).hexdigest()
