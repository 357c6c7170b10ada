"""A release has one version everywhere, and production values with every image by digest."""

import re
from pathlib import Path

import pytest
import yaml

from k8s import release
from k8s.release import ReleaseError
from k8s.render import CHART, PRODUCTION
from tests.support.release import DIGESTS

TEMPLATE = PRODUCTION.read_text()


def test_a_release_has_the_version_of_the_charts_and_packages() -> None:
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["version"]

    assert release.version(f"v{version}") == version


@pytest.mark.parametrize("tag", ["v0.1.99", "0.1.0", "v", ""])
def test_another_tag_is_no_release(tag: str) -> None:
    with pytest.raises(ReleaseError, match="is not v and the version of everything"):
        release.version(tag)


def test_every_image_is_there_by_its_digest() -> None:
    written = yaml.safe_load(release.production_values(TEMPLATE, "ghcr.io/acme/waybill/", "1.2.3", DIGESTS))

    assert written["images"] == {"registry": ""}
    assert written["producerApi"]["image"] == {
        "repository": "ghcr.io/acme/waybill/producer-api",
        "tag": "1.2.3",
        "digest": DIGESTS["producer-api"],
    }
    assert written["reportWorker"]["image"]["digest"] == DIGESTS["report-worker"]
    assert written["collector"]["image"] == {"digest": DIGESTS["collector"]}
    assert written["tracing"]["jaeger"]["image"] == {"digest": DIGESTS["jaeger"]}


def test_nothing_else_is_changed() -> None:
    written = release.production_values(TEMPLATE, "ghcr.io/acme", "1.2.3", DIGESTS)

    changed = [line for line in written.splitlines() if line not in TEMPLATE.splitlines()]
    assert len(changed) == len(DIGESTS) + 1
    assert all(line.lstrip().startswith(("image: {", "images: {")) for line in changed)


@pytest.mark.parametrize("wrong", ["", "sha256:", "latest", "sha256:" + "0" * 63, "sha256:" + "g" * 64])
@pytest.mark.parametrize("name", list(DIGESTS))
def test_what_is_no_digest_is_refused(name: str, wrong: str) -> None:
    with pytest.raises(ReleaseError, match=f"{name}: .* is no digest"):
        release.production_values(TEMPLATE, "ghcr.io/acme", "1.2.3", {**DIGESTS, name: wrong})


@pytest.mark.parametrize("name", [*DIGESTS, "registry"])
def test_a_template_without_a_place_for_an_image_is_refused(name: str) -> None:
    without = TEMPLATE.replace(f"# release: {name}\n", "\n")

    with pytest.raises(ReleaseError, match=f"0 places for {name}"):
        release.production_values(without, "ghcr.io/acme", "1.2.3", DIGESTS)


def test_no_digest_is_invented_here() -> None:
    committed = [TEMPLATE, (CHART / "values.yaml").read_text()]

    assert [re.findall(r"sha256:[0-9a-f]{8,}", text) for text in committed] == [[], []]


def test_the_images_of_others_are_those_of_the_chart() -> None:
    images = release.other_images()

    assert set(images) == {"collector", "jaeger"}
    assert all(re.fullmatch(r"[a-z0-9./-]+:[\w.-]+", image) for image in images.values())


def test_the_command_reads_a_folder_of_digests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, digest in DIGESTS.items():
        (tmp_path / name).write_text(f"{digest}\n")

    assert release.main(["values", "ghcr.io/acme", "1.2.3", str(tmp_path)]) == 0
    assert capsys.readouterr().out == release.production_values(TEMPLATE, "ghcr.io/acme", "1.2.3", DIGESTS)


def test_the_command_says_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert release.main(["values", "ghcr.io/acme", "1.2.3", str(tmp_path)]) == 1

    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "producer-api: None is no digest\n")
