"""The defaults fit a laptop: what they request in all, and what they allow a worker's slots together."""

import math
from collections.abc import Callable, Iterator

import pytest
import yaml

from k8s.programs import ROOT
from tests.support.manifests import Manifest, environments, only

Documents = Callable[..., list[Manifest]]
Manifests = Callable[[str], list[Manifest]]
Fails = Callable[..., str]

OPERATORS = {
    "default": ("strimzi-kafka-operator",),
    "jaeger-operator": ("strimzi-kafka-operator", "jaeger-operator"),
    "otel-operator": ("strimzi-kafka-operator", "opentelemetry-operator"),
}
DEFAULT_REQUESTS = {"strimzi-kafka-operator": "200m", "jaeger-operator": "0", "opentelemetry-operator": "0"}
"""CPU, from `resources` in values.yaml of each operator's chart: Strimzi's 1.2.0, Jaeger's 2.57.0, and
`manager.resources` of OpenTelemetry's 0.122.0. They count where charts/waybill-platform says nothing."""
KIND_ITSELF = 950
"""Millicores that a node of kind requests: API server 250, controller manager 200, scheduler 100 and etcd 100
(kubeadm's manifests), two times CoreDNS 100, kindnet 100."""
LAPTOP = 2000


def millicores(quantity: object) -> int:
    text = str(quantity)
    return int(text.removesuffix("m")) if text.endswith("m") else round(float(text) * 1000)


def of_pod(spec: Manifest) -> int:
    """As the scheduler counts: the containers together, or an init container that requests more."""
    init = [millicores(each["resources"]["requests"]["cpu"]) for each in spec.get("initContainers", [])]
    return max(sum(millicores(each["resources"]["requests"]["cpu"]) for each in spec["containers"]), *init, 0)


def requests(documents: list[Manifest]) -> Iterator[tuple[str, int, int]]:
    """Name, millicores, and millicores more during a rolling upgrade, without hooks and tests."""
    for document in documents:
        kind, name, spec = document["kind"], document["metadata"]["name"], document.get("spec", {})
        if kind in ("Deployment", "StatefulSet"):
            each = of_pod(spec["template"]["spec"])
            replicas = spec.get("replicas", 1)
            rolling = spec.get("strategy", {}).get("rollingUpdate", {})
            recreated = kind == "StatefulSet" or spec.get("strategy", {}).get("type") == "Recreate"
            surge = 0 if recreated else rolling.get("maxSurge", math.ceil(replicas / 4))
            yield name, each * replicas, each * surge
        elif kind == "KafkaNodePool":
            yield name, millicores(spec["resources"]["requests"]["cpu"]) * spec["replicas"], 0
        elif kind in ("OpenTelemetryCollector", "Jaeger"):
            cpu = millicores(spec["resources"]["requests"]["cpu"])
            yield name, cpu, cpu
        elif kind == "Kafka":
            entity = spec["entityOperator"]
            parts = [entity["topicOperator"], entity["userOperator"]]
            parts += [spec["kafkaExporter"]] if "kafkaExporter" in spec else []
            for part in parts:
                yield name, millicores(part["resources"]["requests"]["cpu"]), 0


def of_operators(names: tuple[str, ...]) -> Iterator[int]:
    values = yaml.safe_load((ROOT / "charts" / "waybill-platform" / "values.yaml").read_text())
    for name in names:
        ours = values[name].get("manager", values[name]).get("resources", {}).get("requests", {})
        yield millicores(ours.get("cpu", DEFAULT_REQUESTS[name]))


@pytest.mark.parametrize("source", OPERATORS)
def test_the_defaults_request_at_most_1_2_cpus(manifests: Manifests, source: str) -> None:
    found = list(requests(manifests(source)))
    assert len(found) > 6
    assert sum(cpu for _, cpu, _ in found) + sum(of_operators(OPERATORS[source])) <= 1200


@pytest.mark.parametrize("source", OPERATORS)
def test_a_rolling_upgrade_fits_beside_kind_on_a_laptop(manifests: Manifests, source: str) -> None:
    documents = manifests(source)
    in_all = sum(cpu + surge for _, cpu, surge in requests(documents)) + sum(of_operators(OPERATORS[source]))
    beside = [
        of_pod(document["spec"].get("template", document)["spec"])
        for document in documents
        if document["kind"] in ("Job", "Pod")
    ]
    assert in_all + max(beside) + KIND_ITSELF <= LAPTOP


def test_the_user_operator_has_time_to_start(manifests: Manifests) -> None:
    """On a busy node it takes up to 40 s; its liveness probe gave up before."""
    operator = only(manifests("default"), "Kafka")["spec"]["entityOperator"]["userOperator"]
    assert millicores(operator["resources"]["limits"]["cpu"]) >= 1000
    assert operator["livenessProbe"]["initialDelaySeconds"] >= 60


def mebibytes(quantity: str) -> float:
    units = {"Mi": 1, "Gi": 1024}
    return float(quantity[:-2]) * units[quantity[-2:]]


def worker(documents: list[Manifest]) -> tuple[float, dict[str, str]]:
    """The limit of its memory in MiB, and its variables."""
    (container,) = only(documents, "Deployment", "-report-worker")["spec"]["template"]["spec"]["containers"]
    (variables,) = [env for name, env in environments(documents) if name.endswith("/report-worker")]
    values = {variable["name"]: variable.get("value", "") for variable in variables}
    return mebibytes(container["resources"]["limits"]["memory"]), values


def test_slots_fit_into_the_containers_memory(manifests: Manifests, example: str) -> None:
    limit, environment = worker(manifests(example))
    slots, each = int(environment["WAYBILL_SLOTS"]), int(environment["WAYBILL_SLOT_MEMORY_MIB"])
    assert each >= 512
    assert 0.8 * limit <= slots * each + 256 <= limit


@pytest.mark.parametrize(
    ("limit", "slots", "each"),
    [("4Gi", 3, 1280), ("3221225472", 1, 2816), ("2.5Gi", 2, 1152), ("4e9", 4, 889), ("2500M", 2, 1064)],
)
def test_the_slots_memory_is_derived_from_the_limit(
    documents: Documents, limit: str, slots: int, each: int
) -> None:
    memory = {"resources": {"limits": {"memory": limit}}, "slots": slots}
    rendered = documents({"reportWorker": memory})
    (variables,) = [env for name, env in environments(rendered) if name.endswith("/report-worker")]
    assert {"name": "WAYBILL_SLOT_MEMORY_MIB", "value": str(each)} in variables


SLOTS = "reportWorker.extraEnv[0].name=WAYBILL_SLOTS"
EACH = "reportWorker.extraEnv[0].name=WAYBILL_SLOT_MEMORY_MIB"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--set=reportWorker.slotMemoryMiB=1024",), "2 slots of 1024 MiB and 256 MiB for the worker exceed"),
        (("--set=reportWorker.slots=30",), "leaves 59 MiB for each of 30 slots, less than 256"),
        (("--set=reportWorker.resources.limits.memory=200Mi",), "leaves -28 MiB for each of 2 slots"),
        (
            (f"--set={SLOTS}", "--set-string=reportWorker.extraEnv[0].value=9"),
            "9 slots of 896 MiB and 256 MiB for the worker exceed reportWorker.resources.limits.memory=2Gi",
        ),
        (
            (f"--set={EACH}", "--set-string=reportWorker.extraEnv[0].value=2048"),
            "2 slots of 2048 MiB and 256 MiB for the worker exceed",
        ),
        (("--set=collector.goMemoryLimit=1GiB",), "collector.goMemoryLimit=1GiB exceeds"),
        (("--set=kafka.strimzi.heap=1g",), "kafka.strimzi.heap=1g must be smaller than"),
    ],
)
def test_more_than_the_containers_memory_is_refused(
    fails: Fails, arguments: tuple[str, ...], sentence: str
) -> None:
    assert sentence in fails(*arguments)


def test_the_collectors_memory_limit_follows_its_containers(documents: Documents) -> None:
    rendered = documents({"collector": {"resources": {"limits": {"memory": "1Gi"}}}})
    (variables,) = [env for name, env in environments(rendered) if name.endswith("/collector")]
    assert {"name": "GOMEMLIMIT", "value": "819MiB"} in variables
