"""Where pods may run, as whom, and with which account: settable for all pods, those of operators too."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from k8s.programs import ROOT
from tests.support.manifests import Manifest, containers, only, pod_specs

Documents = Callable[..., list[Manifest]]
Manifests = Callable[[str], list[Manifest]]

PLACEMENT: dict[str, Any] = {
    "nodeSelector": {"pool": "reports"},
    "tolerations": [{"key": "reports", "operator": "Exists"}],
    "affinity": {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
    "topologySpreadConstraints": [
        {"maxSkew": 2, "topologyKey": "rack", "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {}}
    ],
    "priorityClassName": "reports",
}
SELECTED = {"matchExpressions": [{"key": "pool", "operator": "In", "values": ["reports"]}]}
"""The same node selector, for operators that know none."""


def places(documents: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Where a pod's placement is, by name: pods, and what operators take it from."""
    yield from pod_specs(documents)
    for document in documents:
        name, spec = f"{document['kind']}/{document['metadata']['name']}", document.get("spec", {})
        if document["kind"] == "OpenTelemetryCollector":
            yield name, spec
        elif document["kind"] == "Kafka":
            yield f"{name}/brokers", spec["kafka"]["template"]["pod"]
            yield f"{name}/entity operator", spec["entityOperator"]["template"].get("pod", {})
            if "kafkaExporter" in spec:
                yield f"{name}/exporter", spec["kafkaExporter"].get("template", {}).get("pod", {})
        elif document["kind"] == "Jaeger":
            # the resource knows no topology spread
            known = {**spec, "topologySpreadConstraints": PLACEMENT["topologySpreadConstraints"]}
            yield name, {**known, "priorityClassName": spec["allInOne"].get("priorityClassName")}


def assert_placed(name: str, place: Manifest) -> None:
    for field in ("tolerations", "topologySpreadConstraints", "priorityClassName"):
        assert place.get(field) == PLACEMENT[field], (name, field)
    affinity = place["affinity"]
    assert PLACEMENT["affinity"].items() <= affinity.items(), name
    if name.startswith(("Kafka", "Jaeger")):
        node = affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        assert node == {"nodeSelectorTerms": [SELECTED]}, name
    else:
        assert place["nodeSelector"] == PLACEMENT["nodeSelector"], name


def test_one_value_places_every_pod(documents: Documents, example: str) -> None:
    for name, place in places(documents({"scheduling": PLACEMENT}, example=example)):
        assert_placed(name, place)


@pytest.mark.parametrize(
    ("path", "source", "ends"),
    [
        (("producerApi",), "default", ("-producer-api",)),
        (("reportWorker",), "default", ("-report-worker",)),
        (("migrations",), "external", ("-migrate", "-topics")),
        (("migrations",), "default", ("-migrate-install",)),
        (("test",), "default", ("-first-trace",)),
        (("collector",), "default", ("-collector",)),
        (("collector",), "otel-operator", ("OpenTelemetryCollector/waybill",)),
        (("tracing", "jaeger"), "default", ("-jaeger",)),
        (("tracing", "jaeger"), "otel-operator", ("OpenTelemetryCollector/waybill-jaeger",)),
        (("tracing", "jaegerOperator"), "jaeger-operator", ("Jaeger/waybill-jaeger",)),
        (("postgresql", "builtin"), "default", ("-postgresql",)),
        (("kafka", "strimzi"), "jaeger-operator", ("/brokers", "/entity operator", "/exporter")),
    ],
)
def test_a_components_own_values_place_its_pods_alone(
    documents: Documents, path: tuple[str, ...], source: str, ends: tuple[str, ...]
) -> None:
    values: Any = PLACEMENT
    for key in reversed(path):
        values = {key: values}
    placed = set()
    for name, place in places(documents(values, example=source)):
        if name.endswith(ends):
            assert_placed(name, place)
            placed.add(name)
        else:
            assert place.get("tolerations") is None, name
    assert len(placed) == len(ends)


def test_the_services_spread_unless_told_otherwise(documents: Documents) -> None:
    keys = ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
    for name, spec in pod_specs(documents({})):
        if name.endswith(("-producer-api", "-report-worker")):
            assert [each["topologyKey"] for each in spec["topologySpreadConstraints"]] == keys


def test_a_node_selector_is_added_to_each_term_of_an_affinity(documents: Documents) -> None:
    """Terms are alternatives: the selector must hold in each."""
    zones = [
        {"matchExpressions": [{"key": "zone", "operator": "In", "values": [zone]}]} for zone in ("a", "b")
    ]
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": zones}}
    kafka = {"nodeSelector": {"pool": "reports"}, "affinity": {"nodeAffinity": required}}
    rendered = only(documents({"kafka": {"strimzi": kafka}}), "Kafka")
    affinity = rendered["spec"]["kafka"]["template"]["pod"]["affinity"]["nodeAffinity"]
    terms = affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    selected = SELECTED["matchExpressions"]
    assert terms == [{"matchExpressions": [*zone["matchExpressions"], *selected]} for zone in zones]


def test_openshift_assigns_users_and_groups(documents: Documents, example: str) -> None:
    rendered = documents({"podSecurity": {"arbitraryIds": True}}, example=example)
    assert not re.findall(r"'(runAsUser|runAsGroup|fsGroup|supplementalGroups)'", repr(rendered))
    for name, spec in pod_specs(rendered):
        assert spec["securityContext"]["runAsNonRoot"] is True, name


@pytest.mark.parametrize("service", ["producer-api", "report-worker"])
def test_an_image_runs_as_any_user(service: str) -> None:
    """A user that the image does not know has no home but what HOME says; only /tmp can be written."""
    image = (ROOT / "services" / service / "Dockerfile").read_text().rpartition("\nFROM ")[2]
    assert re.search(r"\bHOME=/tmp\b", image)
    copied = re.findall(r"^COPY (.+)$", image, re.MULTILINE)
    assert copied
    assert not [line for line in copied if "--chmod" in line or "--chown" in line]


@pytest.mark.parametrize(
    ("component", "account"),
    [("producerApi", "-producer-api"), ("reportWorker", "-report-worker"), ("collector", "-collector")],
)
def test_annotations_of_service_accounts(documents: Documents, component: str, account: str) -> None:
    role = {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/reports"}
    rendered = documents({component: {"serviceAccount": {"annotations": role}}})
    assert only(rendered, "ServiceAccount", account)["metadata"]["annotations"] == role


def test_labels_of_pods_are_added_and_never_change_the_selector(documents: Documents) -> None:
    labels = {"azure.workload.identity/use": "true", "app.kubernetes.io/name": "other"}
    rendered = documents({"producerApi": {"podLabels": labels}})
    spec = only(rendered, "Deployment", "-producer-api")["spec"]
    found = spec["template"]["metadata"]["labels"]
    assert found == {**spec["selector"]["matchLabels"], "azure.workload.identity/use": "true"}


def test_a_limit_of_cpu_can_be_left_out(documents: Documents, helm: Any) -> None:
    """Throttling hurts more than a busy neighbour, say some; a limit of memory stays."""
    none = {"resources": {"limits": {"cpu": None}}}
    values = {
        "producerApi": none, "reportWorker": none, "migrations": none, "collector": none, "test": none,
        "tracing": {"jaeger": none, "jaegerOperator": none}, "postgresql": {"builtin": none},
        "kafka": {"strimzi": {**none, "entityOperatorResources": none["resources"]}},
    }  # fmt: skip
    rendered = documents(values, helm=helm)
    limits = [
        container["resources"]["limits"] for _, spec in pod_specs(rendered) for container in containers(spec)
    ]
    limits.append(only(rendered, "KafkaNodePool")["spec"]["resources"]["limits"])
    entity = only(rendered, "Kafka")["spec"]["entityOperator"]
    limits += [entity[part]["resources"]["limits"] for part in ("topicOperator", "userOperator")]
    assert len(limits) > 8
    for limit in limits:
        assert set(limit) == {"memory"}
