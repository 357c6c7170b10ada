"""The application's release: installed, upgraded under load, rolled back, removed."""

import time

from k8s.programs import ROOT
from k8s.smoke.cluster import Cluster, Failed
from k8s.smoke.images import NEXT, SERVICES
from k8s.smoke.options import Options

RELEASE = "waybill"
CHART = ROOT / "charts" / "waybill"
FIXTURES = ROOT / "k8s" / "fixtures"
OURS = f"app.kubernetes.io/instance={RELEASE}"
LOAD = "fixture-load"
TOKEN = "fixture-token"  # noqa: S105 - a Secret's name
KEYS = dict(zip(SERVICES, ("producerApi", "reportWorker"), strict=True))


def install(options: Options, cluster: Cluster) -> None:
    """Kafka and its topics and users first: Helm does not wait for them, and the pods want their Secrets."""
    cluster.helm("upgrade", RELEASE, CHART, "--install", *_values(options))
    wait_until_ready(options, cluster)


def wait_until_ready(options: Options, cluster: Cluster) -> None:
    if not options.fixtures:
        cluster.kubectl("wait", f"kafka/{RELEASE}", "--for=condition=Ready", "--timeout=600s")
        cluster.kubectl(
            "wait", "kafkatopics,kafkausers", f"--selector={OURS}", "--for=condition=Ready", "--timeout=180s"
        )
    if options.tracing == "jaeger-operator":
        jaeger = f"jaeger/{RELEASE}-jaeger"
        cluster.kubectl("wait", jaeger, "--for=jsonpath={.status.phase}=Running", "--timeout=180s")
    cluster.rollouts(OURS)


def make_key(cluster: Cluster) -> str:
    """The first key, as an operator makes it, in a Secret for what runs in the cluster."""
    who = ["--name", "the smoke test", "--owner", "smoke", "--role", "requester"]
    made = cluster.kubectl("exec", f"deploy/{RELEASE}-producer-api", "--", "waybill", "create-key", *who)
    token = made.strip()
    literal = "--from-file=token=/dev/stdin"
    cluster.kubectl("create", "secret", "generic", TOKEN, literal, stdin=token)
    return token


def helm_test(cluster: Cluster) -> str:
    """What the test's pod said last, which Helm repeats on its standard error."""
    said = cluster.helm("test", RELEASE, "--timeout=5m", both=True).splitlines()
    return next((line for line in said if line.startswith("It is done")), "passed")


def begin_load(options: Options, cluster: Cluster) -> None:
    script = f"--from-file={FIXTURES / 'load.py'}"
    config = cluster.kubectl("create", "configmap", LOAD, script, "--dry-run=client", "--output=yaml")
    cluster.kubectl("apply", "--filename=-", stdin=config)
    job = (FIXTURES / "load.yaml").read_text()
    job = job.replace("IMAGE\n", f"producer-api:{options.tag}\n")
    job = job.replace("API_URL}", f"http://{RELEASE}-producer-api:8080}}")
    cluster.kubectl("apply", "--filename=-", stdin=job)
    cluster.kubectl("wait", "pod", f"--selector=app={LOAD}", "--for=condition=Ready", "--timeout=60s")


def end_load(cluster: Cluster) -> str:
    """What the load says of itself. Raises `Failed` when a report was lost."""
    (pod,) = cluster.names("pods", f"app={LOAD}")
    cluster.kubectl("exec", pod, "--", "touch", "/tmp/enough")  # noqa: S108 - in the pod
    while not _ended(cluster):
        time.sleep(1)
    said = cluster.kubectl("logs", pod).strip().splitlines()
    if "Failed" in cluster.kubectl("get", pod, "--output=jsonpath={.status.phase}"):
        raise Failed("Reports were lost under load:\n" + "\n".join(said[-20:]))
    cluster.kubectl("delete", "job", LOAD, "--timeout=60s")
    return said[-1]


def upgrade(options: Options, cluster: Cluster) -> None:
    """To a version with one more migration; every pod of both services is replaced."""
    cluster.helm(
        "upgrade", RELEASE, CHART, *_values(options), "--timeout=10m",
        f"--set=producerApi.image.tag={options.tag}-{NEXT}",
        "--set=reportWorker.podAnnotations.smoke=next",
    )  # fmt: skip
    wait_until_ready(options, cluster)


def rollback(options: Options, cluster: Cluster) -> None:
    """To the version before, which runs on with the newer schema."""
    cluster.helm("rollback", RELEASE, 1)
    wait_until_ready(options, cluster)


def uninstall(cluster: Cluster) -> None:
    """Raises `Failed` when anything but the fixtures and what Kubernetes itself makes is left."""
    cluster.helm("uninstall", RELEASE, "--wait", "--timeout=5m")
    deadline = time.monotonic() + 120
    while left := _left(cluster):
        if time.monotonic() > deadline:
            raise Failed(f"The uninstalled release left {', '.join(left)}.")
        time.sleep(1)


def _values(options: Options) -> list[str]:
    values = [f"--set={key}.image.tag={options.tag}" for key in KEYS.values()]
    values += [f"--set=tracing.backend={options.tracing}"]
    if options.fixtures:
        values += [f"--values={FIXTURES / 'values.yaml'}"]
    if options.auth == "key":
        values += ["--set=producerApi.auth.accept={key}", f"--set=test.tokenSecret.name={TOKEN}"]
    if options.postgresql == "external":
        values += [
            "--set=postgresql.mode=external",
            "--set=postgresql.external.existingSecret=fixture-database",
        ]
    return values


def _ended(cluster: Cluster) -> bool:
    return bool(cluster.kubectl("get", "job", LOAD, "--output=jsonpath={.status.conditions[*].type}"))


def _left(cluster: Cluster) -> list[str]:
    """Every resource of every kind in the namespace, but those that the cluster itself makes."""
    kinds = cluster.kubectl("api-resources", "--namespaced", "--verbs=list", "--output=name").split()
    listed = [
        kind for kind in kinds if not kind.startswith(("events", "pods.metrics", "podmetrics", "endpoint"))
    ]
    found = cluster.names(",".join(listed))
    kept = ("configmap/kube-root-ca.crt", "serviceaccount/default")
    return [
        name
        for name in found
        if name not in kept and "/fixture-" not in name and not name.startswith("endpointslice")
    ]
