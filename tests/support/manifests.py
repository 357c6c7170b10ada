"""Where a rendered chart has pods, containers and variables: in workloads, and in operators' resources."""

from collections.abc import Iterator
from typing import Any

import yaml

Manifest = dict[str, Any]

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Eight times as fast where PyYAML has its C part."""


def read(text: str) -> list[Manifest]:
    """The resources of a rendered chart."""
    return [document for document in yaml.load_all(text, Loader=_LOADER) if document]


def pods(documents: list[Manifest]) -> Iterator[tuple[str, Manifest, Manifest]]:
    """Name, labels and spec of every pod that we describe; the operators' pods are theirs."""
    for document in documents:
        kind, name = document["kind"], document["metadata"]["name"]
        if kind == "Pod":
            yield name, document["metadata"]["labels"], document["spec"]
        elif kind in ("Deployment", "StatefulSet", "Job"):
            template = document["spec"]["template"]
            yield name, template["metadata"]["labels"], template["spec"]


def pod_specs(documents: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    return ((name, spec) for name, _, spec in pods(documents))


def containers(spec: Manifest) -> list[Manifest]:
    return [*spec.get("initContainers", []), *spec["containers"]]


def environments(documents: list[Manifest]) -> Iterator[tuple[str, list[Manifest]]]:
    """The variables of every container, also of those that the OpenTelemetry operator makes."""
    for name, spec in pod_specs(documents):
        for container in containers(spec):
            yield f"{name}/{container['name']}", container.get("env", [])
    for document in documents:
        if document["kind"] == "OpenTelemetryCollector":
            yield f"{document['metadata']['name']}/operator", document["spec"]["env"]


def only(documents: list[Manifest], kind: str, end: str = "") -> Manifest:
    """The one resource of a kind whose name ends so."""
    (found,) = (
        document
        for document in documents
        if document["kind"] == kind and document["metadata"]["name"].endswith(end)
    )
    return found
