"""The configurations that the chart writes are read by a real Jaeger, which is a collector too."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.install import jaeger

Manifests = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def program() -> Path:
    found = jaeger.find()
    if found is None:
        pytest.skip("no jaeger: `make setup` gets it")
    return found


def configurations(documents: list[dict[str, Any]]) -> dict[str, Any]:
    """Of the collector and of Jaeger, whether a ConfigMap or an operator's resource holds them."""
    found = {}
    for document in documents:
        name = document["metadata"]["name"]
        if document["kind"] == "OpenTelemetryCollector":
            found[name] = document["spec"]["config"]
        elif document["kind"] == "ConfigMap" and "config.yaml" in document["data"]:
            found[name] = yaml.safe_load(document["data"]["config.yaml"])
    return found


def without_kubernetes(config: dict[str, Any]) -> dict[str, Any]:
    """Jaeger's distribution has every component but this one."""
    if config["processors"].pop("k8s_attributes", None) is not None:
        for pipeline in config["service"]["pipelines"].values():
            pipeline["processors"].remove("k8s_attributes")
    return config


def test_a_real_jaeger_reads_them(program: Path, manifests: Manifests, example: str, tmp_path: Path) -> None:
    found = configurations(manifests(example))
    assert found or example == "external"
    for name, config in found.items():
        file = tmp_path / f"{name}.yaml"
        file.write_text(yaml.safe_dump(without_kubernetes(config)))
        answer = subprocess.run(
            [program, "validate", f"--config={file}"], capture_output=True, text=True, check=False
        )
        assert answer.returncode == 0, answer.stdout + answer.stderr


def test_a_real_jaeger_refuses_a_misspelt_one(program: Path, manifests: Manifests, tmp_path: Path) -> None:
    config = configurations(manifests("default"))["waybill-jaeger"]
    config["extensions"]["jaeger_query"]["storages"] = {}
    file = tmp_path / "misspelt.yaml"
    file.write_text(yaml.safe_dump(config))
    answer = subprocess.run(
        [program, "validate", f"--config={file}"], capture_output=True, text=True, check=False
    )
    assert answer.returncode != 0
