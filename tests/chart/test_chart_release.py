"""The production values of a release: each container runs the image of a digest."""

from collections.abc import Callable
from pathlib import Path

import pytest

from k8s import render
from k8s.programs import Helm
from k8s.release import OURS, other_images, production_values
from tests.support.manifests import Manifest, pods, read
from tests.support.release import DIGESTS


def test_each_container_has_its_image_by_digest(helm: Helm, tmp_path: Path) -> None:
    values = tmp_path / "production-values.yaml"
    template = render.PRODUCTION.read_text()
    values.write_text(production_values(template, "ghcr.io/acme/waybill", "1.2.3", DIGESTS))

    answer = render.template(helm, f"--values={values}")

    assert answer.returncode == 0, answer.stderr
    images = {
        container["image"]
        for _, _, spec in pods(read(answer.stdout))
        for container in (*spec.get("initContainers", ()), *spec["containers"])
    }
    ours = {name: f"ghcr.io/acme/waybill/{name}:1.2.3" for name in OURS}
    assert images == {f"{image}@{DIGESTS[name]}" for name, image in {**ours, **other_images()}.items()}


@pytest.mark.parametrize(
    "place", ["producerApi", "reportWorker", "collector", "tracing.jaeger", "postgresql.builtin"]
)
def test_an_image_may_be_named_by_its_digest(documents: Callable[..., list[Manifest]], place: str) -> None:
    digest = f"sha256:{'e' * 64}"
    nested: Manifest = {"image": {"digest": digest}}
    for key in reversed(place.split(".")):
        nested = {key: nested}

    containers = [container for _, _, spec in pods(documents(nested)) for container in spec["containers"]]

    assert any(container["image"].endswith(f"@{digest}") for container in containers)
