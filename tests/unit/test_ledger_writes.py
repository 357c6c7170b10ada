"""Events and messages are written by the unit of work alone, so that none goes without its notification."""

import ast
from pathlib import Path

from tests.conftest import TESTS

SERVICES = TESTS.parent / "services"
HOME = SERVICES / "common/src/waybill/ledger/recording.py"
WRITES = {("records", "put")}
"""Statements, as they are called: modules of `waybill.store.statements` with a function of theirs."""


def writes(file: Path) -> set[tuple[str, str]]:
    """Those of `WRITES` that a module names, whether it calls the module's function or imports it."""
    tree = ast.parse(file.read_text())
    found = {
        (node.value.id, node.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("waybill.store.statements."):
            found |= {(str(node.module).rpartition(".")[2], alias.name) for alias in node.names}
    return found & WRITES


def test_no_other_module_writes_events_or_messages() -> None:
    assert writes(HOME) == WRITES

    elsewhere = {
        str(file.relative_to(SERVICES)): found
        for file in SERVICES.rglob("*.py")
        if file != HOME and (found := writes(file))
    }

    assert not elsewhere
