"""What holds for every manifest of every example."""

import re
from collections.abc import Callable

from k8s.programs import ROOT
from tests.support.manifests import Manifest, containers, pods

Manifests = Callable[[str], list[Manifest]]


def test_pods_are_restricted(manifests: Manifests, example: str) -> None:
    for name, _, spec in pods(manifests(example)):
        context = spec["securityContext"]
        assert context["runAsNonRoot"] is True, name
        assert context["runAsUser"] > 0, name
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in containers(spec):
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False, name
            assert security["readOnlyRootFilesystem"] is True, name
            assert security["capabilities"] == {"drop": ["ALL"]}, name


def test_no_token_but_for_the_collector(manifests: Manifests, example: str) -> None:
    """Only k8s_attributes asks the API server anything."""
    with_token = [name for name, _, spec in pods(manifests(example)) if spec["automountServiceAccountToken"]]
    assert all(name.endswith("-collector") for name in with_token)


def test_a_worker_has_no_secret_among_its_files(manifests: Manifests, example: str) -> None:
    """Jobs could read it; the certificates of authorities are none. A client's key for database and collector
    has to be a file: it is there where the values name one, and docs/kubernetes.md says so."""
    for name, _, spec in pods(manifests(example)):
        if name.endswith("-report-worker"):
            secrets = [volume["secret"] for volume in spec["volumes"] if "secret" in volume]
            for volume in spec["volumes"]:
                secrets += [source["secret"] for source in volume.get("projected", {}).get("sources", ())]
            files = [
                item["path"] for secret in secrets for item in secret["items"] if item["path"] != "ca.crt"
            ]
            clients = ["tls.crt", "tls.key"] * 2 if example == "tls" else []
            assert files == clients, name


def test_every_container_has_requests_and_limits(manifests: Manifests, example: str) -> None:
    for name, _, spec in pods(manifests(example)):
        for container in containers(spec):
            resources = container["resources"]
            assert {"cpu", "memory"} <= set(resources["limits"]), (name, container["name"])
            assert {"cpu", "memory"} <= set(resources["requests"]), (name, container["name"])
        for volume in spec.get("volumes", []):
            assert volume.get("emptyDir", {"sizeLimit": ""}).get("sizeLimit") is not None, (name, volume)


def test_both_services_can_write_where_artefacts_are(manifests: Manifests, example: str) -> None:
    """The API removes the files of old reports too, and starts only where it can write."""
    mounts = [
        mount
        for _, _, spec in pods(manifests(example))
        for container in containers(spec)
        for mount in container["volumeMounts"]
        if mount["name"] == "artefacts"
    ]
    assert len(mounts) == (0 if example in ("external", "production", "tls") else 2)
    assert not [mount for mount in mounts if mount.get("readOnly")]


def test_every_image_has_a_version(manifests: Manifests, example: str) -> None:
    images = set(re.findall(r"'image': '([^']+)'", repr(manifests(example))))
    assert images
    for image in images:
        assert re.search(r":[^/:@]*\d[^/:@]*(@sha256:[0-9a-f]{64})?$", image), image
        assert ":latest" not in image


def test_long_running_pods_have_probes(manifests: Manifests, example: str) -> None:
    for document in manifests(example):
        if document["kind"] in ("Deployment", "StatefulSet"):
            for container in document["spec"]["template"]["spec"]["containers"]:
                assert {"livenessProbe", "readinessProbe"} <= set(container), document["metadata"]["name"]


def test_the_services_stop_gracefully_and_spread(manifests: Manifests, example: str) -> None:
    documents = manifests(example)
    budgets = {
        document["metadata"]["name"] for document in documents if document["kind"] == "PodDisruptionBudget"
    }
    for service in ("producer-api", "report-worker"):
        (deployment,) = [
            document
            for document in documents
            if document["kind"] == "Deployment" and document["metadata"]["name"].endswith(service)
        ]
        spec = deployment["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        environment = {variable["name"]: variable.get("value") for variable in container["env"]}
        drain = int(environment["WAYBILL_DRAIN_SECONDS"] or 0)
        pre_stop = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert spec["terminationGracePeriodSeconds"] > drain + pre_stop
        assert len(spec["topologySpreadConstraints"]) == 2
        assert deployment["metadata"]["name"] in budgets


def test_a_network_policy_for_each_component(manifests: Manifests, example: str) -> None:
    documents = manifests(example)
    policies = [document["spec"] for document in documents if document["kind"] == "NetworkPolicy"]
    if example == "tracing-elsewhere":
        assert not policies, "this example turns them off"
        return
    for name, labels, _ in pods(documents):
        chosen = [
            policy for policy in policies if policy["podSelector"]["matchLabels"].items() <= labels.items()
        ]
        assert len(chosen) == 1, name


def test_a_pod_reaches_nothing_but_what_it_needs(manifests: Manifests, example: str) -> None:
    """What a job could send its data to: names, the database, Kafka, the collector, the object store. Of a
    part that lies elsewhere a policy knows the port alone."""
    documents = manifests(example)
    policies = {
        document["metadata"]["labels"]["app.kubernetes.io/component"]: document["spec"]
        for document in documents
        if document["kind"] == "NetworkPolicy"
    }
    if example == "tracing-elsewhere":
        assert not policies, "this example turns them off"
        return
    for component, policy in policies.items():
        assert set(policy["policyTypes"]) >= ({"Ingress"} if component == "jaeger" else {"Ingress", "Egress"})
        for rule in policy.get("egress", []):
            assert rule["ports"], f"{component} reaches every port"
            assert not any("ipBlock" in peer for peer in rule.get("to", []))
    worker = policies["report-worker"]
    assert worker["ingress"] == []
    reached = [tuple(port["port"] for port in rule["ports"]) for rule in worker["egress"]]
    assert reached[0] == (53, 53)
    with_object_store = example in ("external", "production", "tls")
    assert len(reached) == (5 if with_object_store else 4)
    inside = [peer for rule in worker["egress"] for peer in rule.get("to", [])]
    assert all(set(peer) == {"podSelector"} for peer in inside), "pods of this namespace alone"
    if not with_object_store:
        assert all("to" in rule for rule in worker["egress"][1:]), "nothing outside of the release"


def test_pod_labels_do_not_move_with_versions(manifests: Manifests, example: str) -> None:
    """Else an upgrade would restart PostgreSQL, and a Jaeger that keeps its traces in memory."""
    for document in manifests(example):
        if document["kind"] in ("Deployment", "StatefulSet"):
            labels = document["spec"]["template"]["metadata"]["labels"]
            assert labels == document["spec"]["selector"]["matchLabels"]


def test_what_the_operators_run_has_limits_too(manifests: Manifests, example: str) -> None:
    documents = manifests(example)
    places = [
        (document["kind"], document["spec"]["resources"])
        for document in documents
        if document["kind"] in ("KafkaNodePool", "Jaeger", "OpenTelemetryCollector")
    ]
    for document in documents:
        if document["kind"] == "Kafka":
            entity = document["spec"]["entityOperator"]
            places += [(part, entity[part]["resources"]) for part in ("topicOperator", "userOperator")]
            exporter = document["spec"].get("kafkaExporter")
            places += [("kafkaExporter", exporter["resources"])] if exporter else []
    for name, resources in places:
        assert {"cpu", "memory"} <= set(resources["limits"]), name


def test_no_line_of_a_chart_is_too_long_to_read() -> None:
    files = [file for file in (ROOT / "charts").rglob("*") if file.is_file() and "examples" not in file.parts]
    text = [file for file in files if file.suffix in (".yaml", ".tpl", ".txt", ".md", ".json")]
    assert len(text) > 40

    long = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in text
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if len(line) > 120
    ]

    assert not long
