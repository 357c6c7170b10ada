"""What must be in the cluster before the application: the operators, or fixtures in their place."""

import tempfile
import time
from pathlib import Path

from k8s import crds
from k8s.apiserver import ESTABLISHED
from k8s.programs import ROOT
from k8s.smoke.cluster import Cluster, Failed, run
from k8s.smoke.options import Options

NAMESPACE = "waybill-platform"
FIXTURES = ROOT / "k8s" / "fixtures"
CHART = ROOT / "charts" / "waybill-platform"
CRD_OF_JAEGER = "crd/jaegers.jaegertracing.io"


def install(options: Options, cluster: Cluster) -> str:
    """Returns what was installed, in words."""
    run(["kubectl", "apply", "--filename", ROOT / "k8s" / "namespaces.yaml"])
    platform = Cluster(NAMESPACE, cluster.helm_program)
    if not options.fixtures:
        return _install_chart(options, platform)
    installed = ["Kafka"]
    cluster.kubectl("apply", "--filename", FIXTURES / "kafka.yaml")
    if options.postgresql == "external":
        cluster.kubectl("apply", "--filename", FIXTURES / "postgresql.yaml")
        installed.append("PostgreSQL")
    if options.tracing == "jaeger-operator":
        _install_jaeger_operator(platform)
        installed.append("the Jaeger operator")
    cluster.rollouts()
    return f"{' and '.join(installed)} from k8s/fixtures"


def remove(options: Options, cluster: Cluster) -> None:
    """The operators go after what they look after. Their definitions stay: other releases may use them."""
    platform = Cluster(NAMESPACE, cluster.helm_program)
    if not options.fixtures:
        platform.helm("uninstall", "waybill-platform", "--wait")
    elif options.tracing == "jaeger-operator":
        platform.kubectl("delete", "--filename", FIXTURES / "jaeger-operator.yaml", "--timeout=120s")
        platform.kubectl("delete", "secret/fixture-jaeger-operator", CRD_OF_JAEGER, "--timeout=120s")
    for name in ("waybill", NAMESPACE):  # of k8s/namespaces.yaml; the application's was not used
        if not Cluster(name, cluster.helm_program).names("pods"):
            run(["kubectl", "delete", "namespace", name, "--timeout=120s"])


def _install_chart(options: Options, platform: Cluster) -> str:
    wanted = {"strimzi-kafka-operator", options.tracing} & {"strimzi-kafka-operator", "jaeger-operator"}
    if options.tracing == "otel-operator":
        wanted.add("opentelemetry-operator")
    platform.helm("dependency", "update", CHART)
    platform.helm(
        "upgrade", "waybill-platform", CHART, "--install", "--wait", "--timeout=10m",
        *(f"--set={name}.enabled=true" for name in sorted(wanted)),
    )  # fmt: skip
    _wait_until_established()
    platform.rollouts()
    return ", ".join(sorted(wanted))


def _install_jaeger_operator(platform: Cluster) -> None:
    definitions = crds.definitions(crds.JAEGER_OPERATOR)
    run(["kubectl", "apply", "--server-side", f"--filename={definitions}"])
    _wait_until_established()
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = Path(folder, "tls.key"), Path(folder, "tls.crt")
        run(
            [
                "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj",
                "/CN=fixture-jaeger-operator", "-keyout", key, "-out", certificate,
            ]
        )  # fmt: skip
        secret = platform.kubectl(
            "create", "secret", "tls", "fixture-jaeger-operator", f"--cert={certificate}", f"--key={key}",
            "--dry-run=client", "--output=yaml",
        )  # fmt: skip
    platform.kubectl("apply", "--filename=-", stdin=secret)
    platform.kubectl("apply", "--filename", FIXTURES / "jaeger-operator.yaml")
    platform.rollouts()


def _wait_until_established() -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            run(["kubectl", *ESTABLISHED])
        except Failed:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
        else:
            return
