"""Fixtures of the charts' tests: every Helm there is, and a real API server with the real definitions."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from k8s import crds, render
from k8s.apiserver import api_server, install_definitions, kubectl
from k8s.programs import HELM_MAJORS, Helm, Missing, any_helm, helm
from tests.support.manifests import read

NAMESPACE = "waybill"


def _helms() -> Iterator[Any]:
    for major in HELM_MAJORS:
        try:
            yield pytest.param(helm(major), id=f"helm-{major}")
        except Missing as missing:
            yield pytest.param(None, marks=pytest.mark.skip(reason=str(missing)), id=f"helm-{major}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "helm" in metafunc.fixturenames:
        metafunc.parametrize("helm", list(_helms()), scope="session")
    if "example" in metafunc.fixturenames:
        metafunc.parametrize("example", list(render.value_files()), scope="session")


@pytest.fixture(scope="session")
def bare_server() -> Iterator[Path]:
    """The kubeconfig of an API server that knows nothing but Kubernetes."""
    try:
        with api_server() as config:
            created = kubectl(config, "create", "namespace", NAMESPACE)
            assert created.returncode == 0, created.stderr
            yield config
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def server() -> Iterator[Path]:
    """The kubeconfig of an API server with every definition, and with 'restricted' enforced and warned of."""
    try:
        with api_server() as config:
            folders = [crds.definitions(source) for source in crds.SOURCES]
            created = kubectl(config, "create", "namespace", NAMESPACE)
            assert created.returncode == 0, created.stderr
            kubectl(
                config,
                "label",
                "namespace",
                NAMESPACE,
                "pod-security.kubernetes.io/enforce=restricted",
                "pod-security.kubernetes.io/warn=restricted",
            )
            install_definitions(config, folders)
            yield config
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def manifests() -> Callable[[str], list[dict[str, Any]]]:
    """The committed manifests of an example, which another test compares with what Helm renders."""

    def load(example: str) -> list[dict[str, Any]]:
        text = (render.EXAMPLES / f"{example}.yaml").read_text()
        return read(text)

    return load


@pytest.fixture(scope="session")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[dict[str, Any]]]:
    """Renders with values of one's own, over those of an example."""

    def run(values: dict[str, Any], *arguments: str, example: str = "default", **options: Any) -> list[Any]:
        file = tmp_path_factory.mktemp("values") / "values.yaml"
        file.write_text(json.dumps(values))  # in which text is quoted, whatever it looks like
        chosen = options.pop("helm", None) or any_helm()
        files = (f"--values={render.value_files()[example]}", f"--values={file}")
        answer = render.template(chosen, *files, *arguments, **options)
        assert answer.returncode == 0, answer.stderr
        return read(answer.stdout)

    return run


@pytest.fixture(scope="session")
def fails(helm: Helm) -> Callable[..., str]:
    """Renders with what must not work, and returns what Helm says to it."""

    def run(*arguments: str, apis: tuple[str, ...] = render.APIS) -> str:
        answer = render.template(helm, *arguments, apis=apis)
        assert answer.returncode != 0, f"{arguments} rendered"
        return answer.stderr

    return run


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    counts = {
        file.stem: file.read_text().count("\nkind: ") for file in sorted(render.EXAMPLES.glob("*.yaml"))
    }
    listed = ", ".join(f"{name} {count}" for name, count in counts.items())
    terminalreporter.write_line(f"charts/waybill: manifests of each example: {listed}")
