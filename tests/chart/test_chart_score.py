"""kube-score finds nothing critical that has no written reason: kube-score.yaml beside this file."""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from k8s import render
from k8s.programs import Missing, kube_score

KUBERNETES = "v1.33"  # as the examples are rendered
CRITICAL = 1


@dataclass(frozen=True)
class Accepted:
    """A check of which findings are left as they are."""

    check: str
    reason: str
    objects: str = ""
    examples: str = ""

    def covers(self, example: str, check: str, name: str) -> bool:
        return (
            self.check == check
            and re.search(self.examples, example) is not None
            and re.search(self.objects, name) is not None
        )


ACCEPTED = [
    Accepted(**entry) for entry in yaml.safe_load(Path(__file__).with_name("kube-score.yaml").read_text())
]


@pytest.fixture(scope="module")
def findings() -> dict[str, set[tuple[str, str]]]:
    """Of each example: the check, and the object as `Kind/name`."""
    try:
        program = kube_score()
    except Missing as missing:
        pytest.skip(str(missing))
    return {name: critical(program, render.EXAMPLES / f"{name}.yaml") for name in render.value_files()}


def critical(program: Path, manifests: Path) -> set[tuple[str, str]]:
    answer = subprocess.run(
        [program, "score", f"--kubernetes-version={KUBERNETES}", "--output-format=json", manifests],
        capture_output=True,
        text=True,
        check=False,  # 1: something is critical
    )
    objects = json.loads(answer.stdout)
    assert len(objects) > 10, answer.stderr
    return {
        (found["check"]["id"], f"{each['type_meta']['kind']}/{each['object_meta']['name']}")
        for each in objects
        for found in each["checks"]
        if found["grade"] == CRITICAL and not found["skipped"]
    }


def test_nothing_critical_without_a_reason(findings: dict[str, set[tuple[str, str]]], example: str) -> None:
    left = [
        finding
        for finding in sorted(findings[example])
        if not any(accepted.covers(example, *finding) for accepted in ACCEPTED)
    ]
    assert left == []


@pytest.mark.parametrize("accepted", ACCEPTED, ids=lambda accepted: accepted.check)
def test_no_reason_for_what_is_not_found(
    findings: dict[str, set[tuple[str, str]]], accepted: Accepted
) -> None:
    assert len(accepted.reason) > 40
    assert any(accepted.covers(example, *finding) for example, found in findings.items() for finding in found)


def test_it_finds_what_is_wrong(findings: dict[str, set[tuple[str, str]]], tmp_path: Path) -> None:
    """A privileged container is critical: the checks above can fail."""
    text = (render.EXAMPLES / "default.yaml").read_text()
    loose = tmp_path / "loose.yaml"
    loose.write_text(text.replace("readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false"))
    found = critical(kube_score(), loose) - findings["default"]
    assert {check for check, _ in found} == {"container-security-context-readonlyrootfilesystem"}
