"""From nothing to the last check: each stage with its seconds; when one fails, what tells why."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from k8s.programs import Missing, any_helm, helm
from k8s.smoke import application, images, platform, reports
from k8s.smoke.cluster import Cluster, Failed, run
from k8s.smoke.diagnosis import diagnose
from k8s.smoke.options import Options, parse
from waybill_client import ClientError, JaegerClient, WaybillClient

WORKERS = "app.kubernetes.io/component=report-worker"


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Stages:
    """Runs stages, and says of each what came of it and how long it took."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def run(self, name: str, stage: Callable[[], str | None]) -> None:
        begin = time.monotonic()
        said = stage()
        self.seconds[name] = time.monotonic() - begin
        say(f"{self.seconds[name]:7.1f} s  {name}" + (f": {said}" if said else ""))


@contextmanager
def clients(cluster: Cluster, token: str) -> Iterator[tuple[WaybillClient, JaegerClient]]:
    """The API and Jaeger through port-forwards."""
    with (
        cluster.forwarded(f"{application.RELEASE}-producer-api", 8080) as api_url,
        cluster.forwarded(f"{application.RELEASE}-jaeger-query", 16686) as jaeger_url,
        WaybillClient(api_url, token=token or None) as api,
        JaegerClient(jaeger_url) as jaeger,
    ):
        yield api, jaeger


def make_namespace(cluster: Cluster) -> None:
    """Where every pod must be 'restricted'. What an earlier run left goes first."""
    delete_namespace(cluster)
    run(["kubectl", "create", "namespace", cluster.namespace])
    labels = ("enforce=restricted", "warn=restricted")
    run(
        ["kubectl", "label", "namespace", cluster.namespace]
        + [f"pod-security.kubernetes.io/{label}" for label in labels]
    )


def delete_namespace(cluster: Cluster) -> None:
    run(["kubectl", "delete", "namespace", cluster.namespace, "--ignore-not-found", "--timeout=180s"])


def request_both(cluster: Cluster, token: str) -> str:
    with clients(cluster, token) as (api, jaeger):
        said = [
            reports.whole_report(api, jaeger, "dowork", expected="fail"),  # its doWork:5 fails
            reports.whole_report(api, jaeger, "flights", expected="done"),
        ]
    return "; ".join(said)


def kill_a_worker(cluster: Cluster, token: str) -> str:
    def kill() -> None:
        for pod in cluster.names("pods", WORKERS):
            cluster.kubectl("delete", pod, "--grace-period=0", "--force")

    with clients(cluster, token) as (api, _):
        said = reports.survives(api, kill)
    cluster.rollouts()
    return said


def upgrade_under_load(options: Options, cluster: Cluster) -> str:
    application.begin_load(options, cluster)
    application.upgrade(options, cluster)
    application.rollback(options, cluster)
    return application.end_load(cluster)


def smoke(options: Options, cluster: Cluster) -> None:
    stages = Stages()
    built: list[str] = []
    stages.run("images built", lambda: built.extend(images.build(options)))
    stages.run("images loaded", lambda: " ".join(images.bring(options, cluster, built)))
    stages.run("namespace", lambda: make_namespace(cluster))
    stages.run("platform ready", lambda: platform.install(options, cluster))
    stages.run("installed and ready", lambda: application.install(options, cluster))
    token = ""
    if options.auth != "none":
        keys: list[str] = []
        stages.run("first key made", lambda: keys.append(application.make_key(cluster)))
        (token,) = keys
    stages.run("helm test", lambda: application.helm_test(cluster))
    stages.run("from outside", lambda: request_both(cluster, token))
    stages.run("worker killed mid-report", lambda: kill_a_worker(cluster, token))
    stages.run(
        "upgraded with a new schema and rolled back, under load", lambda: upgrade_under_load(options, cluster)
    )
    stages.run("helm test again", lambda: application.helm_test(cluster))
    stages.run("uninstalled, nothing left", lambda: application.uninstall(cluster))
    stages.run("namespaces gone", lambda: remove(options, cluster))
    say(f"{sum(stages.seconds.values()):7.1f} s  in all: the smoke test passed")


def remove(options: Options, cluster: Cluster) -> None:
    delete_namespace(cluster)
    platform.remove(options, cluster)


def main() -> int:
    options = parse(sys.argv[1:])
    try:
        chosen = helm(options.helm_major) if options.helm_major else any_helm()
    except Missing as missing:
        say(f"The smoke test cannot run: {missing}.")
        return 2
    cluster = Cluster(options.namespace, chosen.program)
    parts = f"tracing.backend={options.tracing}, postgresql.mode={options.postgresql}, auth={options.auth}"
    say(f"{parts}, Helm {chosen.major}")
    try:
        smoke(options, cluster)
    except (Failed, ClientError, Missing) as error:
        say(f"FAILED: {error}\n{diagnose(cluster)}")
        if not options.keep:
            say("`--keep` would leave the namespace as it is.")
            delete_namespace(cluster)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
