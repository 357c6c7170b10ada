"""What a run of the smoke test can be given, by options or by the environment."""

import os
from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass

TRACING = ("jaeger", "jaeger-operator", "otel-operator")


@dataclass(frozen=True)
class Options:
    """`build`, `load` and `pull` are commands, to which arguments are appended."""

    tracing: str
    postgresql: str
    auth: str
    fixtures: bool
    built: bool
    namespace: str
    tag: str
    build: str
    load: str
    pull: str
    helm_major: int | None
    keep: bool


def parse(arguments: Sequence[str]) -> Options:
    parser = ArgumentParser(
        prog="make smoke", description=__doc__, formatter_class=ArgumentDefaultsHelpFormatter
    )
    kind = os.environ.get("KIND_CLUSTER", "waybill")
    environment = {
        "tracing": os.environ.get("SMOKE_TRACING", "jaeger"),
        "postgresql": os.environ.get("SMOKE_POSTGRESQL", "builtin"),
        "auth": os.environ.get("SMOKE_AUTH", "none"),
        "fixtures": bool(os.environ.get("SMOKE_FIXTURES")),
        "built": bool(os.environ.get("SMOKE_BUILT")),
        "tag": os.environ.get("TAG", "smoke"),
        "build": os.environ.get("IMAGE_BUILD", "docker build"),
        "load": os.environ.get("IMAGE_LOAD", f"kind load docker-image --name {kind}"),
        "pull": os.environ.get("IMAGE_PULL", "docker pull"),
    }
    parser.add_argument("--tracing", choices=TRACING, help="SMOKE_TRACING: the tracing backend")
    parser.add_argument(
        "--postgresql",
        choices=("builtin", "external"),
        help="SMOKE_POSTGRESQL: the chart's, or one beside it",
    )
    parser.add_argument(
        "--auth", choices=("none", "key"), help="SMOKE_AUTH: by what the API knows its clients"
    )
    parser.add_argument(
        "--fixtures",
        action="store_true",
        help="SMOKE_FIXTURES: k8s/fixtures instead of the platform, for nodes that cannot pull images",
    )
    parser.add_argument(
        "--built", action="store_true", help="SMOKE_BUILT: the services' images of this tag are there already"
    )
    parser.add_argument("--namespace", default="waybill-smoke", help="made, and deleted at the end")
    parser.add_argument("--tag", help="TAG: of the images that are built")
    parser.add_argument("--build", help="IMAGE_BUILD: makes an image, as `docker build` does")
    parser.add_argument("--load", help="IMAGE_LOAD: brings images into the cluster's nodes")
    parser.add_argument("--pull", help="IMAGE_PULL: with --fixtures, gets the images that are not ours")
    parser.add_argument(
        "--helm", dest="helm_major", type=int, help="Helm's major version; else the oldest there is"
    )
    parser.add_argument("--keep", action="store_true", help="leave everything there when a stage fails")
    parser.set_defaults(**environment)
    return Options(**vars(parser.parse_args(arguments)))
