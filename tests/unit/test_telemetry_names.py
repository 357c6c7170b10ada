"""Every span name, attribute and metric of ours has one home: waybill.telemetry.names."""

import ast
from pathlib import Path

from tests.conftest import TESTS
from waybill.domain import FailureType
from waybill.telemetry import names
from waybill_client import trace as client

SERVICES = TESTS.parent / "services"
HOME = SERVICES / "common/src/waybill/telemetry"
FAILURES = SERVICES / "common/src/waybill/domain/failures.py"
CLIENT = SERVICES / "client/src/waybill_client/trace.py"
"""Stands alone: it has the names that it reads once more, compared below."""
STORED = SERVICES / "common/src/waybill/store/statements/_rows.py"
"""Reads a JSON column whose fields are named after the spans."""

SHORT = {names.SCOPE, names.LOG_EVENT, names.OUTCOME, names.LIMIT}
"""Words that mean something else in other places."""
DECLARED = {value for name, value in vars(names).items() if name.isupper() and isinstance(value, str)} - SHORT

AMBIGUOUS = {FailureType.ERROR, FailureType.CANCELLED, FailureType.PERMANENT, FailureType.LOST}
"""Failure types whose value is a word of other things too: a level of the log, a status, an option."""
TYPES = set(FailureType) - AMBIGUOUS


def literals(file: Path) -> set[str]:
    """Every string of a module that is no docstring."""
    tree = ast.parse(file.read_text())
    documentation = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation
    }


def test_the_names_of_traces_and_metrics_are_written_once() -> None:
    files = [
        file for file in SERVICES.rglob("*.py") if HOME not in file.parents and file not in (STORED, CLIENT)
    ]
    assert len(files) > 50

    elsewhere = {
        str(file.relative_to(SERVICES)): found for file in files if (found := literals(file) & DECLARED)
    }

    assert not elsewhere


def test_failure_types_are_written_once() -> None:
    files = [file for file in SERVICES.rglob("*.py") if file != FAILURES]

    elsewhere = {
        str(file.relative_to(SERVICES)): found for file in files if (found := literals(file) & TYPES)
    }

    assert not elsewhere


def test_the_client_reads_the_names_that_are_written() -> None:
    assert client.SPINE == names.SPINE
    assert (client.HANDLE_REPORT, client.QUEUE_TIME) == (names.HANDLE_REPORT, names.QUEUE_TIME)
