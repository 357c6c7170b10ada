"""TLS on each wire: what is mounted where, what tells the parts of it, and what would not work."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from tests.support.manifests import Manifest, containers, only, pods

Documents = Callable[..., list[Manifest]]
Manifests = Callable[[str], list[Manifest]]
Fails = Callable[..., str]

FILES = {"ca.crt", "tls.crt", "tls.key"}


def mounted(spec: Manifest) -> Iterator[tuple[str, str, str]]:
    """Of a pod's certificates: the file, the Secret, its key."""
    (container,) = spec["containers"]
    places = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    for volume in spec["volumes"]:
        for source in volume.get("projected", {}).get("sources", ()):
            for item in source["secret"]["items"]:
                place = f"{places[volume['name']]}/{item['path']}"
                yield place, source["secret"]["name"], item["key"]


def of_pod(documents: list[Manifest], name: str) -> tuple[dict[str, str], dict[str, str]]:
    """The Secrets of its certificates by file; and its variables."""
    (spec,) = (spec for pod, _, spec in pods(documents) if pod.endswith(f"-{name}"))
    (container,) = spec["containers"]
    variables = {one["name"]: one.get("value", "") for one in container.get("env", [])}
    return {file: secret for file, secret, _ in mounted(spec)}, variables


def configuration(documents: list[Manifest], name: str) -> Any:
    return yaml.safe_load(only(documents, "ConfigMap", f"-{name}")["data"]["config.yaml"])


def test_by_default_there_is_none(manifests: Manifests) -> None:
    documents = manifests("default")

    assert not [name for name, _, spec in pods(documents) if list(mounted(spec))]
    assert "tls" not in configuration(documents, "collector")["receivers"]["otlp"]["protocols"]["http"]


def test_the_api_speaks_https_wherever_it_is_called_and_its_probes_stay(manifests: Manifests) -> None:
    documents = manifests("tls")
    files, variables = of_pod(documents, "producer-api")
    deployment = only(documents, "Deployment", "-producer-api")["spec"]["template"]["spec"]["containers"][0]
    service = only(documents, "Service", "-producer-api")["spec"]["ports"]
    (rule,) = only(documents, "Ingress")["spec"]["rules"]

    assert variables["WAYBILL_TLS_CERTIFICATE_FILE"] == "/etc/waybill/api/tls.crt"
    assert variables["WAYBILL_TLS_KEY_FILE"] == "/etc/waybill/api/tls.key"
    assert files["/etc/waybill/api/tls.crt"] == files["/etc/waybill/api/tls.key"] == "producer-api-tls"
    assert service == [{"name": "https", "port": 8080, "targetPort": "https", "appProtocol": "https"}]
    assert {"name": "https", "containerPort": 8080} in deployment["ports"]
    assert rule["http"]["paths"][0]["backend"]["service"]["port"] == {"name": "https"}
    assert only(documents, "NetworkPolicy", "-producer-api")["spec"]["ingress"][0]["ports"] == [
        {"port": "https"}
    ]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert deployment[probe]["httpGet"]["port"] == "health"


def test_its_key_is_mounted_in_no_other_pod(manifests: Manifests) -> None:
    keys = {
        (name, secret)
        for name, _, spec in pods(manifests("tls"))
        for file, secret, _ in mounted(spec)
        if secret == "producer-api-tls" and file.endswith(".key")
    }

    assert keys == {("waybill-producer-api", "producer-api-tls")}


def test_helms_test_trusts_the_authority_of_the_api(manifests: Manifests) -> None:
    files, variables = of_pod(manifests("tls"), "first-trace")

    assert variables["WAYBILL_API_URL"] == "https://waybill-producer-api:8080"
    assert files == {variables["WAYBILL_CA_FILE"]: "producer-api-tls"}


@pytest.mark.parametrize("pod", ["producer-api", "report-worker", "migrate"])
def test_whatever_uses_the_database_verifies_it_and_says_who_it_is(pod: str, manifests: Manifests) -> None:
    files, variables = of_pod(manifests("tls"), pod)
    named = {name: variables[name] for name in variables if name.startswith("PGSSL")}

    assert named == {
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": "/etc/waybill/database/ca.crt",
        "PGSSLCERT": "/etc/waybill/database/tls.crt",
        "PGSSLKEY": "/etc/waybill/database/tls.key",
    }
    assert {files[file] for name, file in named.items() if name != "PGSSLMODE"} == {"database-client"}


def test_production_verifies_its_database(manifests: Manifests) -> None:
    files, variables = of_pod(manifests("production"), "report-worker")

    assert variables["PGSSLMODE"] == "verify-full"
    assert files[variables["PGSSLROOTCERT"]] == "waybill-database-ca"
    assert "PGSSLCERT" not in variables


@pytest.mark.parametrize("pod", ["producer-api", "report-worker"])
def test_the_services_verify_the_collector_and_say_who_they_are(pod: str, manifests: Manifests) -> None:
    files, variables = of_pod(manifests("tls"), pod)

    assert variables["OTEL_EXPORTER_OTLP_ENDPOINT"] == "https://waybill-collector:4318"
    assert files[variables["OTEL_EXPORTER_OTLP_CERTIFICATE"]] == "collector-tls"
    assert files[variables["OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"]] == "services-tls"
    assert files[variables["OTEL_EXPORTER_OTLP_CLIENT_KEY"]] == "services-tls"


def test_collector_and_jaeger_take_spans_of_their_authoritys_clients_alone(manifests: Manifests) -> None:
    documents = manifests("tls")
    collector, jaeger = configuration(documents, "collector"), configuration(documents, "jaeger")
    receivers = [
        *collector["receivers"]["otlp"]["protocols"].values(),
        *jaeger["receivers"]["otlp"]["protocols"].values(),
    ]
    exporter = collector["exporters"]["otlp"]["tls"]

    assert len(receivers) == 3
    for receiver in receivers:
        assert receiver["tls"] == {
            "cert_file": "/etc/waybill/receiver/tls.crt",
            "key_file": "/etc/waybill/receiver/tls.key",
            "client_ca_file": "/etc/waybill/receiver/ca.crt",
            "client_ca_file_reload": True,
            "min_version": "1.2",
            "reload_interval": "1m",
        }
    assert (exporter["insecure"], exporter["min_version"]) == (False, "1.2")
    secrets, _ = of_pod(documents, "collector")
    assert secrets == {
        **{f"/etc/waybill/receiver/{file}": "collector-tls" for file in FILES},
        exporter["ca_file"]: "jaeger-tls",
        exporter["cert_file"]: "collector-client-tls",
        exporter["key_file"]: "collector-client-tls",
    }
    assert of_pod(documents, "jaeger")[0] == {f"/etc/waybill/receiver/{file}": "jaeger-tls" for file in FILES}


def test_the_operators_resources_have_the_same(documents: Documents) -> None:
    tls = {
        "caSecret": {"name": "authority"},
        "certificateSecret": {"name": "own", "certificateKey": "a.pem", "privateKeyKey": "a.key"},
    }
    rendered = documents({"collector": {"tls": tls}, "tracing": {"tls": tls}}, example="otel-operator")
    resources = [one for one in rendered if one["kind"] == "OpenTelemetryCollector"]

    assert len(resources) == 2
    for resource in resources:
        spec = resource["spec"]
        found = {place: (secret, key) for place, secret, key in mounted({**spec, "containers": [spec]})}
        assert found["/etc/waybill/receiver/tls.key"] == ("own", "a.key")
        assert "/etc/waybill/receiver/ca.crt" not in found  # no client must have a certificate
        tls_of_receiver = spec["config"]["receivers"]["otlp"]["protocols"]["grpc"]["tls"]
        assert "client_ca_file" not in tls_of_receiver


def test_a_collector_elsewhere_is_verified_by_the_authority_that_is_given(documents: Documents) -> None:
    external = {"mode": "external", "external": {"endpoint": "https://collector.example.com"}}
    rendered = documents(
        {"collector": {**external, "tls": {"caSecret": {"name": "ours"}, "clientSecret": {"name": "me"}}}},
        example="external",
    )
    files, variables = of_pod(rendered, "report-worker")

    assert variables["OTEL_EXPORTER_OTLP_ENDPOINT"] == "https://collector.example.com"
    assert files[variables["OTEL_EXPORTER_OTLP_CERTIFICATE"]] == "ours"
    assert files[variables["OTEL_EXPORTER_OTLP_CLIENT_KEY"]] == "me"


def test_a_jaeger_elsewhere_is_verified_by_the_authority_that_is_given(documents: Documents) -> None:
    tls = {"caSecret": {"name": "ours"}, "clientSecret": {"name": "me"}}
    rendered = documents({"tracing": {"tls": tls}}, example="tracing-elsewhere")
    exporter = configuration(rendered, "collector")["exporters"]["otlp"]["tls"]

    assert exporter["insecure"] is False
    assert of_pod(rendered, "collector")[0] == {
        exporter["ca_file"]: "ours",
        exporter["cert_file"]: "me",
        exporter["key_file"]: "me",
    }


def test_secrets_are_mounted_as_folders_so_that_files_change_with_them(manifests: Manifests) -> None:
    """A file that is mounted by itself (subPath) would stay as it was."""
    for name, _, spec in pods(manifests("tls")):
        for container in containers(spec):
            assert not [mount for mount in container["volumeMounts"] if "subPath" in mount], name


OWN = ".certificateSecret.name=own"
AUTHORITY = ".caSecret.name=ca"
EXTERNAL = ("collector.mode=external", "tracing.backend=external")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((f"producerApi.tls{AUTHORITY}",), "needs producerApi.tls.certificateSecret"),
        (
            (
                "postgresql.mode=external",
                "postgresql.external.existingSecret=url",
                f"postgresql.external.tls{OWN}",
            ),
            "needs postgresql.external.tls.caSecret",
        ),
        ((f"postgresql.external.tls{AUTHORITY}",), "is for postgresql.mode=external"),
        ((f"collector.tls{OWN}",), "needs collector.tls.caSecret"),
        ((f"collector.tls{AUTHORITY}",), "needs collector.tls.certificateSecret"),
        (("collector.tls.clientSecret.name=me",), "needs collector.tls.certificateSecret"),
        (
            (*EXTERNAL, "collector.external.endpoint=https://c", f"collector.tls{OWN}"),
            "is our own collector's",
        ),
        (
            (*EXTERNAL, "collector.external.endpoint=http://c:4318", f"collector.tls{AUTHORITY}"),
            "begins with https:",
        ),
        ((f"tracing.tls{OWN}",), "needs both certificateSecret, which Jaeger shows, and caSecret"),
        (("tracing.tls.clientSecret.name=me",), "needs both certificateSecret"),
        (
            ("tracing.backend=jaeger-operator", f"tracing.tls{OWN}", f"tracing.tls{AUTHORITY}"),
            "does not reach a Jaeger of the Jaeger operator",
        ),
        (
            ("tracing.backend=external", "tracing.external.endpoint=j:4317", f"tracing.tls{AUTHORITY}"),
            "needs tracing.external.insecure=false",
        ),
        (
            ("tracing.backend=external", "tracing.external.endpoint=j:4317", f"tracing.tls{OWN}"),
            "is our own Jaeger's",
        ),
        (
            (*EXTERNAL, "collector.external.endpoint=https://c", f"tracing.tls{AUTHORITY}"),
            "is between our collector and Jaeger",
        ),
    ],
)
def test_what_no_wire_would_use_fails_with_a_sentence(
    fails: Fails, arguments: tuple[str, ...], sentence: str
) -> None:
    assert sentence in fails(*(f"--set={value}" for value in arguments))


@pytest.mark.parametrize(
    "value",
    [
        "producerApi.tls.secret=tls",
        "producerApi.tls.certificateSecret=tls",
        "collector.tls.caSecret.key=",
        "tracing.tls.clientSecret.key=tls.key",
    ],
)
def test_the_schema_refuses_what_is_misspelt(fails: Fails, value: str) -> None:
    assert "values don't meet the specifications of the schema" in fails(f"--set={value}")
