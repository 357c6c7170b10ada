"""What lies around the charts names only what is there: Skaffold's file, the workflows, the documentation."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from k8s.programs import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yaml"))
SKAFFOLD = yaml.safe_load((ROOT / "skaffold.yaml").read_text())


def targets() -> set[str]:
    """The targets of the Makefile and of the files that it includes."""
    makefile = (ROOT / "Makefile").read_text()
    (included,) = re.findall(r"^include (.+)$", makefile, re.MULTILINE)
    texts = [makefile, *((ROOT / name).read_text() for name in included.split())]
    return {name for text in texts for name in re.findall(r"^([a-z][a-z-]*):", text, re.MULTILINE)}


def values_of(key: str, node: Any) -> Iterator[Any]:
    """Every value under a key, however deep."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name == key:
                yield from value if isinstance(value, list) else [value]
            else:
                yield from values_of(key, value)
    elif isinstance(node, list):
        for value in node:
            yield from values_of(key, value)


@pytest.mark.parametrize("key", ["dockerfile", "chartPath", "jobManifestPath", "valuesFiles"])
def test_skaffold_names_files_that_are_there(key: str) -> None:
    named = list(values_of(key, SKAFFOLD))
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_skaffold_syncs_python_files_to_where_the_image_has_them() -> None:
    rules = list(values_of("manual", SKAFFOLD["build"]))
    assert len(rules) == 6, "two images, each of three packages"
    for rule in rules:
        assert list(ROOT.glob(rule["src"])), rule
        assert rule["src"].startswith(rule["strip"]), rule
        assert rule["dest"] == "/app"


def test_skaffold_installs_the_platform_first() -> None:
    for release in (release for release in values_of("releases", SKAFFOLD) if release["name"] == "waybill"):
        assert release["dependsOn"] == ["waybill-platform"]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_pin_actions_and_call_targets_that_exist(workflow: Path) -> None:
    jobs = yaml.safe_load(workflow.read_text())["jobs"]
    for action in values_of("uses", jobs):
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action), action
    call = r"\bmake (?:--silent )?([a-z][a-z-]*)"
    called = {name for run in values_of("run", jobs) for name in re.findall(call, run)}
    assert called
    assert called <= targets()


def test_the_documentation_names_targets_that_exist() -> None:
    text = (ROOT / "docs" / "kubernetes.md").read_text()
    assert set(re.findall(r"`?make ([a-z][a-z-]+)", text)) <= targets()
