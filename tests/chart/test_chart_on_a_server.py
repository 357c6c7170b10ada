"""A real API server with the real definitions takes every manifest, and refuses what is mistyped."""

import copy
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from k8s import render
from k8s.apiserver import kubectl
from k8s.programs import ROOT, Helm, environment

Manifest = dict[str, Any]
Manifests = Callable[[str], list[Manifest]]


def dry_run(config: Path, documents: list[Manifest]) -> subprocess.CompletedProcess[str]:
    """As `kubectl apply` would, but nothing is kept; an unknown field is an error."""
    return kubectl(
        config, "apply", "--namespace=waybill", "--dry-run=server", "--validate=strict", "--filename=-",
        stdin=yaml.safe_dump_all(documents),
    )  # fmt: skip


def test_every_manifest_is_taken(server: Path, manifests: Manifests, example: str) -> None:
    documents = manifests(example)
    answer = dry_run(server, documents)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.count("(server dry run)") == len(documents)
    # deprecated APIs, and pods that 'restricted' would refuse
    assert "Warning" not in answer.stderr, answer.stderr


def test_server_side_apply_takes_every_manifest(
    server: Path, documents: Callable[..., list[Manifest]], example: str
) -> None:
    """As Helm 4 and Argo CD apply: two entries of a list with one key are an error. With every value that
    adds to a list, and with variables that the chart has too."""
    theirs = {"OTEL_RESOURCE_ATTRIBUTES": "a=b", "POD_NAME": "pod", "WAYBILL_LOG_LEVEL": "debug"}
    extra = {"extraEnv": [{"name": name, "value": value} for name, value in theirs.items()]}
    own = {"extraEnv": [{"name": name, "value": "info"} for name in ("GOMEMLIMIT", "JAEGER_HOST")]}
    spread = {
        "maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {"app.kubernetes.io/part-of": "waybill"}},
    }  # fmt: skip
    placed = {
        "nodeSelector": {"pool": "reports"},
        "tolerations": [{"key": "reports", "operator": "Exists"}],
        "topologySpreadConstraints": [spread],
        "priorityClassName": "system-cluster-critical",
    }
    values = {
        "producerApi": extra, "reportWorker": extra, "collector": own, "tracing": {"jaeger": own},
        "scheduling": placed, "podSecurity": {"arbitraryIds": True},
        "kafka": {"topics": {"report": {"name": "acme_report"}}},
    }  # fmt: skip
    rendered = documents(values, example=example)
    answer = kubectl(
        server, "apply", "--namespace=waybill", "--server-side", "--dry-run=server", "--validate=strict",
        "--filename=-", stdin=yaml.safe_dump_all(rendered),
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize(
    ("source", "kind", "path"),
    [
        ("default", "Kafka", ("spec", "kafka")),
        ("default", "KafkaNodePool", ("spec",)),
        ("default", "KafkaTopic", ("spec",)),
        ("default", "KafkaUser", ("spec", "authorization")),
        ("jaeger-operator", "Jaeger", ("spec",)),
        ("jaeger-operator", "ScaledObject", ("spec",)),
        ("jaeger-operator", "TriggerAuthentication", ("spec",)),
        ("otel-operator", "OpenTelemetryCollector", ("spec",)),
        ("otel-operator", "ServiceMonitor", ("spec",)),
        ("external", "HTTPRoute", ("spec",)),
        ("external", "HorizontalPodAutoscaler", ("spec",)),
        ("default", "Deployment", ("spec", "template", "spec")),
    ],
)
def test_a_mistyped_field_is_refused(
    server: Path, manifests: Manifests, source: str, kind: str, path: tuple[str, ...]
) -> None:
    mistyped = copy.deepcopy(next(document for document in manifests(source) if document["kind"] == kind))
    place = mistyped
    for part in path:
        place = place[part]
    place["mistyped"] = "field"
    answer = dry_run(server, [mistyped])
    assert answer.returncode != 0
    assert 'mistyped"' in answer.stderr


def test_a_pod_that_is_not_restricted_is_refused(server: Path, manifests: Manifests) -> None:
    """The check above sees it when a pod is not as it must be."""
    loose = copy.deepcopy(next(document for document in manifests("default") if document["kind"] == "Pod"))
    del loose["spec"]["securityContext"]["seccompProfile"]
    answer = dry_run(server, [loose])
    assert answer.returncode != 0
    assert 'violates PodSecurity "restricted' in answer.stderr


def helm_install(helm: Helm, config: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            helm.program, "install", "waybill", render.CHART, f"--kubeconfig={config}", "--namespace=waybill",
            "--dry-run=server",
        ],
        capture_output=True,
        text=True,
        env=environment(HELM_KUBEINSECURE_SKIP_TLS_VERIFY="true"),
        check=False,
    )  # fmt: skip


def test_helm_asks_the_cluster_for_the_definitions(helm: Helm, server: Path) -> None:
    answer = helm_install(helm, server)
    assert answer.returncode == 0, answer.stderr
    assert "kind: KafkaNodePool" in answer.stdout
    assert "port-forward svc/waybill-producer-api 8080:8080" in answer.stdout


def test_a_cluster_without_strimzi_gets_the_sentence(helm: Helm, bare_server: Path) -> None:
    answer = helm_install(helm, bare_server)
    assert answer.returncode != 0
    assert "kafka.mode=strimzi needs kafka.strimzi.io/v1, which this cluster does not serve" in answer.stderr


@pytest.mark.parametrize(
    "file",
    [
        "namespaces.yaml",
        "verify-job.yaml",
        "fixtures/kafka.yaml",
        "fixtures/postgresql.yaml",
        "fixtures/load.yaml",
    ],
)
def test_plain_manifests_are_taken(server: Path, file: str) -> None:
    documents = [document for document in yaml.safe_load_all((ROOT / "k8s" / file).read_text()) if document]
    answer = dry_run(server, documents)
    assert answer.returncode == 0, answer.stderr
    assert "Warning: would violate" not in answer.stderr, answer.stderr
