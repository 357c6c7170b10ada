"""Renovate finds each version where it stands: the locks, and what its regular expressions are for."""

import json
import re
import subprocess
from collections import defaultdict
from typing import Any

import pytest

from local.supply import locks
from tests.conftest import TESTS
from tests.unit.test_versions import decided

ROOT = TESTS.parent
CONFIG: dict[str, Any] = json.loads((ROOT / "renovate.json").read_text())
MANAGERS: list[dict[str, Any]] = CONFIG["customManagers"]
FILES = subprocess.run(
    ("git", "ls-files"), cwd=ROOT, capture_output=True, text=True, check=True
).stdout.splitlines()


def matches(pattern: str, name: str) -> bool:
    """Renovate's form of a pattern: a regular expression between slashes."""
    return re.search(pattern.removeprefix("/").removesuffix("/"), name) is not None


def files_of(manager: dict[str, Any]) -> list[str]:
    return [
        name for name in FILES if any(matches(pattern, name) for pattern in manager["managerFilePatterns"])
    ]


def python_regex(text: str) -> str:
    return text.replace("(?<", "(?P<")


def found_by(manager: dict[str, Any]) -> dict[str, set[str]]:
    """By name of what is found: the versions that it has in the files."""
    found: dict[str, set[str]] = defaultdict(set)
    for name in files_of(manager):
        for pattern in manager["matchStrings"]:
            for match in re.finditer(python_regex(pattern), (ROOT / name).read_text()):
                dependency = manager.get("depNameTemplate") or match["depName"]
                found[dependency].add(match["currentValue"])
    return found


def test_it_reads_every_lock_and_nothing_else_as_one() -> None:
    assert {ROOT / name for name in files_of(CONFIG["pip_requirements"])} == {
        lock for lock in locks.all_locks() if str(lock.relative_to(ROOT)) in FILES
    }


@pytest.mark.parametrize("manager", MANAGERS, ids=[manager["description"] for manager in MANAGERS])
def test_each_expression_finds_a_version(manager: dict[str, Any]) -> None:
    assert files_of(manager)
    for pattern in manager["matchStrings"]:
        texts = [(ROOT / name).read_text() for name in files_of(manager)]
        assert any(re.search(python_regex(pattern), text) for text in texts), pattern
    for pattern in manager["managerFilePatterns"]:
        assert any(matches(pattern, name) for name in FILES), pattern


@pytest.mark.parametrize(
    ("part", "dependency"),
    [
        ("Kafka", "apache/kafka"),
        ("Jaeger", "jaegertracing/jaeger"),
        ("collector", "otel/opentelemetry-collector-contrib"),
    ],
)
def test_they_find_the_versions_that_were_decided(part: str, dependency: str) -> None:
    versions = [found_by(manager).get(dependency, set()) for manager in MANAGERS]

    assert set().union(*versions) == {decided(part)}


def test_the_parts_of_one_decision_move_together() -> None:
    grouped = {
        name for rule in CONFIG["packageRules"] if "groupName" in rule for name in rule["matchPackageNames"]
    }

    assert {"apache/kafka", "jaegertracing/jaeger", "otel/opentelemetry-collector-contrib"} <= grouped


def test_a_package_that_a_lock_has_in_two_versions_is_left_to_make_lock() -> None:
    twice = set()
    for lock in locks.all_locks():
        names = [entry.name for entry in locks.read(lock)]
        twice |= {name for name in names if names.count(name) > 1}
    left = {
        name
        for rule in CONFIG["packageRules"]
        if rule.get("enabled") is False
        for name in rule["matchPackageNames"]
    }

    assert left == twice
