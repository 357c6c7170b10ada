"""What the release workflow needs to know of the charts, and the production values that it publishes.

`python -m k8s.release version TAG` prints the version of a tag, if everything has it.
`python -m k8s.release images` prints name and address of each image that is not ours, line by line.
`python -m k8s.release values REGISTRY VERSION FOLDER` prints the production values, every image by digest;
FOLDER has a file for each image, named after it, with its digest.
"""

import argparse
import re
import sys
import tomllib
from collections.abc import Mapping
from functools import reduce
from pathlib import Path

import yaml

from k8s.programs import ROOT
from k8s.render import CHART, PRODUCTION

OURS = ("producer-api", "report-worker")
OTHERS: Mapping[str, tuple[str, ...]] = {"collector": ("collector",), "jaeger": ("tracing", "jaeger")}
"""Images of others that the production values use, and where the chart's values have them. Kafka's operator
chooses Kafka's."""

_PLACE = "  # release: "
"""Ends each line of the production values that a release fills; after it comes whose line it is."""
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class ReleaseError(Exception):
    """Its text says what does not fit."""


def version(tag: str) -> str:
    """The version of the tag `vVERSION`. Raises `ReleaseError` where a chart or a package has another."""
    wanted = tag.removeprefix("v")
    wrong = [f"{part} has {declared}" for part, declared in _versions().items() if declared != wanted]
    if wrong or wanted == tag:
        raise ReleaseError(f"the tag {tag} is not v and the version of everything: {', '.join(wrong)}")
    return wanted


def other_images() -> dict[str, str]:
    """The address of each image of others, as the chart has it."""
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    images = {
        name: reduce(lambda part, key: part[key], path, values)["image"] for name, path in OTHERS.items()
    }
    return {name: f"{image['repository']}:{image['tag']}" for name, image in images.items()}


def production_values(template: str, registry: str, release: str, digests: Mapping[str, str]) -> str:
    """The template with every image by digest, ours from the registry and under the release's tag.

    Raises `ReleaseError` where a digest is missing or none, or the template has no place for it.
    """
    for name in (*OURS, *OTHERS):
        if not _DIGEST.fullmatch(digests.get(name, "")):
            raise ReleaseError(f"{name}: {digests.get(name)!r} is no digest")
    registry = registry.rstrip("/")
    contents: dict[str, dict[str, str]] = {
        # Ours are named whole, so that those of others stay where they are.
        "registry": {"registry": ""},
        **{
            name: {"repository": f"{registry}/{name}", "tag": release, "digest": digests[name]}
            for name in OURS
        },
        **{name: {"digest": digests[name]} for name in OTHERS},
    }
    text = template
    for name, content in contents.items():
        text = _filled(text, name, content)
    return text


def _filled(template: str, name: str, content: Mapping[str, str]) -> str:
    flow = ", ".join(f'{key}: "{value}"' for key, value in content.items())
    place = re.compile(rf"^(\s*\w+: )\{{[^}}]*\}}\s*{_PLACE.strip()} {name}$", re.MULTILINE)
    text, count = place.subn(rf"\g<1>{{{flow}}}", template)
    if count != 1:
        raise ReleaseError(f"the production values have {count} places for {name}")
    return text


def _versions() -> dict[str, str]:
    """By what declares it."""
    versions: dict[str, str] = {}
    for file in sorted((ROOT / "charts").glob("*/Chart.yaml")):
        chart: dict[str, str] = yaml.safe_load(file.read_text())
        versions[f"charts/{file.parent.name}"] = chart["version"]
    versions["the appVersion of charts/waybill"] = yaml.safe_load((CHART / "Chart.yaml").read_text())[
        "appVersion"
    ]
    for file in sorted((ROOT / "services").glob("*/pyproject.toml")):
        versions[f"services/{file.parent.name}"] = tomllib.loads(file.read_text())["project"]["version"]
    return versions


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m k8s.release")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("version").add_argument("tag")
    commands.add_parser("images")
    values = commands.add_parser("values")
    values.add_argument("registry")
    values.add_argument("version")
    values.add_argument("folder", type=Path)
    given = parser.parse_args(arguments)
    try:
        match given.command:
            case "version":
                text = f"{version(given.tag)}\n"
            case "images":
                text = "".join(f"{name} {image}\n" for name, image in other_images().items())
            case _:
                digests = {file.name: file.read_text().strip() for file in given.folder.iterdir()}
                text = production_values(PRODUCTION.read_text(), given.registry, given.version, digests)
    except ReleaseError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
