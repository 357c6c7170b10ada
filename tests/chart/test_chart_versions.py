"""A new version of the chart restarts nothing by itself: only what must change reaches the pods."""

import shutil
from pathlib import Path

import yaml

from k8s import render
from k8s.programs import Helm
from tests.support.manifests import Manifest, read

OPERATORS_KINDS = ("Kafka", "KafkaNodePool", "OpenTelemetryCollector", "Jaeger")
"""Operators make pods of these. Strimzi and the OpenTelemetry operator copy their labels to the pods."""
PINNED = (
    "--set=producerApi.image.tag=1.0.0",
    "--set=reportWorker.image.tag=1.0.0",
)


def chart_of(folder: Path, *, version: str, app_version: str) -> Path:
    """A copy of the chart with other versions."""
    copy = folder / f"{version}-{app_version}"
    shutil.copytree(render.CHART, copy, ignore=shutil.ignore_patterns("ci", "examples"))
    described = yaml.safe_load((copy / "Chart.yaml").read_text())
    described |= {"version": version, "appVersion": app_version}
    (copy / "Chart.yaml").write_text(yaml.safe_dump(described))
    return copy


def reaches_pods(helm: Helm, chart: Path, example: str, *arguments: str) -> dict[str, Manifest]:
    """What a change of restarts pods, by kind and name: whole templates, and whole resources of operators."""
    values = f"--values={render.value_files()[example]}"
    answer = render.template(helm, values, *arguments, chart=chart)
    assert answer.returncode == 0, answer.stderr
    found = {}
    for document in read(answer.stdout):
        key = f"{document['kind']}/{document['metadata']['name']}"
        if document["kind"] in OPERATORS_KINDS:
            found[key] = document
        elif document["kind"] in ("Deployment", "StatefulSet", "Job"):
            found[key] = document["spec"]
    assert found
    return found


def test_a_new_chart_reaches_no_pod(helm: Helm, example: str, tmp_path: Path) -> None:
    old = chart_of(tmp_path, version="0.1.0", app_version="0.1.0")
    new = chart_of(tmp_path, version="0.2.0", app_version="0.1.0")
    assert reaches_pods(helm, old, example) == reaches_pods(helm, new, example)


def test_a_new_chart_with_the_same_images_reaches_no_pod(helm: Helm, example: str, tmp_path: Path) -> None:
    old = chart_of(tmp_path, version="0.1.0", app_version="0.1.0")
    new = chart_of(tmp_path, version="0.2.0", app_version="0.2.0")
    assert reaches_pods(helm, old, example, *PINNED) == reaches_pods(helm, new, example, *PINNED)


def test_a_new_application_reaches_its_own_pods_only(helm: Helm, example: str, tmp_path: Path) -> None:
    old = chart_of(tmp_path, version="0.1.0", app_version="0.1.0")
    new = chart_of(tmp_path, version="0.1.0", app_version="0.2.0")
    before, after = reaches_pods(helm, old, example), reaches_pods(helm, new, example)
    changed = {key.rpartition("/")[2] for key in before if before[key] != after[key]}
    services = {name for name in changed if name.endswith(("-producer-api", "-report-worker"))}
    assert len(services) == 2
    assert all(name.endswith(("-migrate", "-migrate-install", "-topics")) for name in changed - services)
