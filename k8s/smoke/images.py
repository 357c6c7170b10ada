"""Builds the images, and brings them to where the cluster's nodes find them."""

import shlex
from concurrent.futures import ThreadPoolExecutor

from k8s.programs import ROOT
from k8s.smoke.cluster import Cluster, run
from k8s.smoke.options import Options

SERVICES = ("producer-api", "report-worker")
NEXT = "next"
"""Tag's ending of the version that the upgrade goes to."""

FIXTURES = {
    "": ("apache/kafka:4.1.0", "postgres:17-bookworm", "jaegertracing/jaeger:2.20.0"),
    "jaeger-operator": ("jaegertracing/jaeger-operator:1.65.0", "jaegertracing/all-in-one:1.76.0"),
}


def build(options: Options) -> list[str]:
    """Our images, and the next version of the one that carries the migrations."""
    images = [f"{service}:{options.tag}" for service in SERVICES]
    if not options.built:
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda service: _build_service(options, service), SERVICES))
    following = f"{images[0]}-{NEXT}"
    run(
        [
            *shlex.split(options.build), "--tag", following, "--build-arg", f"IMAGE={images[0]}",
            "--file", ROOT / "k8s/fixtures/next/Dockerfile", ROOT / "k8s/fixtures/next",
        ]
    )  # fmt: skip
    return [*images, following]


def bring(options: Options, cluster: Cluster, images: list[str]) -> list[str]:
    """Loads ours, and with fixtures also what the nodes lack of the others'. Returns what was loaded."""
    if options.fixtures:
        there = cluster.kubectl("get", "nodes", "--output=jsonpath={.items[*].status.images[*].names[*]}")
        wanted = [*FIXTURES[""], *FIXTURES.get(options.tracing, ())]
        lacking = [image for image in wanted if image not in there]
        if lacking:
            run([*shlex.split(options.pull), *lacking])
        images = [*images, *lacking]
    run([*shlex.split(options.load), *images])
    return images


def _build_service(options: Options, service: str) -> None:
    file = ROOT / "services" / service / "Dockerfile"
    run([*shlex.split(options.build), "--tag", f"{service}:{options.tag}", "--file", file, ROOT])
