"""The charts lint, and render what is committed as examples: with every Helm the same."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from k8s import render
from k8s.programs import ROOT, Helm, environment

PLATFORM = ROOT / "charts" / "waybill-platform"


def run(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, env=environment(), check=False
    )


def test_lint(helm: Helm, example: str) -> None:
    answer = run(
        helm.program, "lint", "--strict", render.CHART, "--kube-version=1.33.0",
        f"--values={render.value_files()[example]}",
    )  # fmt: skip
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_rendered_examples_are_current(helm: Helm, example: str) -> None:
    committed = render.EXAMPLES / f"{example}.yaml"
    assert committed.exists(), "`make chart-examples` writes it"
    assert render.rendered(helm, render.value_files()[example]) == committed.read_text(), (
        f"{committed.relative_to(ROOT)} is stale: `make chart-examples` renews it"
    )


def test_no_example_without_values() -> None:
    assert {file.stem for file in render.EXAMPLES.glob("*.yaml")} == set(render.value_files())


def test_a_packaged_chart_holds_everything(helm: Helm, tmp_path: Path) -> None:
    """Helm leaves symlinks out of a package: the copies of the collector's files must be files."""
    packaged = run(helm.program, "package", render.CHART, f"--destination={tmp_path}")
    assert packaged.returncode == 0, packaged.stderr
    (archive,) = tmp_path.glob("*.tgz")
    listed = run("tar", "tzf", archive).stdout.splitlines()
    assert {"waybill/files/collector.yaml", "waybill/files/jaeger.yaml", "waybill/values.schema.json"} <= set(
        listed
    )
    assert not [name for name in listed if name.startswith(("waybill/ci/", "waybill/examples/"))]


@pytest.mark.parametrize(
    ("arguments", "name", "hook"),
    [
        ((), "waybill-migrate-install", None),
        (("--is-upgrade",), "waybill-migrate", "pre-upgrade"),
        (
            ("--set=postgresql.mode=external", "--set=postgresql.external.existingSecret=database"),
            "waybill-migrate",
            "pre-install,pre-upgrade",
        ),
    ],
)
def test_migrations_run_before_pods_do(
    helm: Helm, arguments: tuple[str, ...], name: str, hook: str | None
) -> None:
    """A hook, except where the database is only made by this very install."""
    answer = render.template(helm, *arguments)
    assert answer.returncode == 0, answer.stderr
    (job,) = [
        document for document in yaml.safe_load_all(answer.stdout) if document and document["kind"] == "Job"
    ]
    assert job["metadata"]["name"] == name
    assert job["metadata"].get("annotations", {}).get("helm.sh/hook") == hook


@pytest.mark.parametrize(("copy", "source"), render.COPIES.items())
def test_the_charts_copy_is_the_one_source(copy: str, source: str) -> None:
    ours = (render.CHART / "files" / copy).read_text()
    assert ours == (ROOT / "otel-collector" / source).read_text(), "`make chart-examples` copies it again"


def test_the_platforms_operators_are_pinned_and_optional() -> None:
    chart = yaml.safe_load((PLATFORM / "Chart.yaml").read_text())
    values = yaml.safe_load((PLATFORM / "values.yaml").read_text())
    names = {dependency["name"] for dependency in chart["dependencies"]}
    assert names == {"strimzi-kafka-operator", "jaeger-operator", "opentelemetry-operator"}
    for dependency in chart["dependencies"]:
        assert re.fullmatch(r"\d+\.\d+\.\d+", dependency["version"]), dependency
        assert dependency["condition"] == f"{dependency['name']}.enabled"
        assert isinstance(values[dependency["name"]]["enabled"], bool)


def test_the_platforms_own_templates(helm: Helm, tmp_path: Path) -> None:
    """Without the operators' charts, which only their registries have: what is ours."""
    chart = tmp_path / "platform"
    shutil.copytree(PLATFORM, chart, ignore=shutil.ignore_patterns("charts"))
    text = (chart / "Chart.yaml").read_text()
    (chart / "Chart.yaml").write_text(text[: text.index("dependencies:")])
    lint = run(helm.program, "lint", "--strict", "--kube-version=1.33.0", chart)
    assert lint.returncode == 0, lint.stdout
    arguments = ("template", "platform", chart, "--kube-version=1.33.0")
    assert "kind:" not in run(helm.program, *arguments).stdout
    made = run(helm.program, *arguments, "--set=jaeger-operator.enabled=true")
    (secret,) = [document for document in yaml.safe_load_all(made.stdout) if document]
    assert secret["metadata"]["name"] == "waybill-platform-jaeger-operator"
    assert set(secret["data"]) == {"tls.crt", "tls.key"}
    misspelt = run(helm.program, *arguments, "--set=jaeger.enabled=true")
    assert misspelt.returncode != 0
