"""Each row of the threat model in docs/security.md names tests that are there."""

import ast
import re
from dataclasses import dataclass
from functools import cache

import pytest

from tests.support.checkout import ROOT

ASSETS = (
    "API availability",
    "Reports and artefacts",
    "Truth of the status",
    "Traces and metrics",
    "Database space",
    "Worker and credentials",
    "Sources of queries",
    "Exfiltration from a pod",
    "An operator's terminal",
    "The supply chain",
    "Browsers",
    "Keys and tokens",
    "The audit",
    "The wire",
)


@dataclass(frozen=True)
class Threat:
    asset: str
    attacker: str
    stopped_by: str
    tests: tuple[str, ...]


def threats() -> list[Threat]:
    text = (ROOT / "docs/security.md").read_text()
    (table,) = re.findall(r"<!-- threats -->\n(.+?)<!-- end -->", text, re.DOTALL)
    rows = [list(map(str.strip, line.strip("|").split(" | "))) for line in table.splitlines()[2:]]
    return [
        Threat(asset, attacker, stopped_by, tuple(re.findall(r"`([^`]+)`", tests)))
        for asset, attacker, stopped_by, tests in rows
    ]


@cache
def named_in(path: str) -> frozenset[str]:
    """As pytest names them: `test_it`, `TestThis::test_it`."""
    found = set()
    for node in ast.parse((ROOT / path).read_text()).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            found |= {f"{node.name}::{one.name}" for one in node.body if isinstance(one, ast.FunctionDef)}
    return frozenset(name for name in found if name.rpartition("::")[2].startswith("test_"))


def exists(name: str) -> bool:
    path, _, test = name.partition("::")
    return path.startswith("tests/") and (ROOT / path).is_file() and test in named_in(path)


def test_every_asset_is_there() -> None:
    assert list(dict.fromkeys(threat.asset for threat in threats())) == list(ASSETS)


@pytest.mark.parametrize("threat", threats(), ids=lambda threat: f"{threat.asset}: {threat.attacker:.40}")
def test_each_row_is_whole_and_its_tests_exist(threat: Threat) -> None:
    assert threat.attacker
    assert threat.stopped_by
    assert threat.tests
    assert [name for name in threat.tests if not exists(name)] == []


@pytest.mark.parametrize(
    "name",
    [
        "tests/unit/test_threats.py::test_that_is_not_there",
        "tests/unit/test_threats.py::exists",
        "tests/unit/test_threats.py",
        "tests/unit/test_away.py::test_every_asset_is_there",
        "docs/security.md::test_every_asset_is_there",
        "tests/unit/test_access_oidc.py::test_without_a_signature",
    ],
)
def test_what_is_no_test_is_noticed(name: str) -> None:
    assert not exists(name)


def test_what_is_one_is_found() -> None:
    assert exists("tests/unit/test_threats.py::test_what_is_one_is_found")
    assert exists("tests/unit/test_access_oidc.py::TestForged::test_without_a_signature")
