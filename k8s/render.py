"""Renders charts/waybill for every example of values.

`python -m k8s.render` copies the collector's files into the chart and renews the committed examples.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from k8s.programs import ROOT, Helm, any_helm, environment

CHART = ROOT / "charts" / "waybill"
EXAMPLES = CHART / "examples"
COPIES = {"collector.yaml": "config.yaml", "jaeger.yaml": "jaeger.yaml"}  # Helm packages no symlinks
PRODUCTION = ROOT / "k8s" / "production-values.yaml"
APIS = (
    "kafka.strimzi.io/v1",
    "jaegertracing.io/v1",
    "opentelemetry.io/v1beta1",
    "keda.sh/v1alpha1",
    "monitoring.coreos.com/v1",
    "gateway.networking.k8s.io/v1",
)


def value_files() -> dict[str, Path]:
    """The example of each name: those of charts/waybill/ci, and production."""
    files = [*sorted((CHART / "ci").glob("*-values.yaml")), PRODUCTION]
    return {file.name.removesuffix("-values.yaml"): file for file in files}


def template(
    helm: Helm, *arguments: str, apis: tuple[str, ...] = APIS, chart: Path = CHART, release: str = "waybill"
) -> subprocess.CompletedProcess[str]:
    """`helm template` as a cluster with these APIs would see it; the caller looks at the return code."""
    return subprocess.run(
        [
            helm.program,
            "template",
            release,
            chart,
            "--namespace=waybill",
            "--kube-version=1.33.0",
            *(f"--api-versions={api}" for api in apis),
            *arguments,
        ],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )


def rendered(helm: Helm, values: Path) -> str:
    """The manifests in an order of our own, as Helm 3 and Helm 4 sort unknown kinds differently."""
    answer = template(helm, f"--values={values}")
    if answer.returncode != 0:
        raise RuntimeError(f"{values.name} does not render: {answer.stderr}")
    documents = [text.strip("\n") for text in re.split(r"^---$", answer.stdout, flags=re.MULTILINE)]
    return "".join(f"---\n{text}\n" for text in sorted(filter(None, documents), key=_place))


def _place(document: str) -> tuple[str, ...]:
    found = (
        re.search(pattern, document, re.MULTILINE)
        for pattern in (r"^# Source: (.+)$", r"^kind: (.+)$", r"^  name: (.+)$")
    )
    return tuple(match[1] if match else "" for match in found)


def main() -> None:
    for copy, source in COPIES.items():
        shutil.copyfile(ROOT / "otel-collector" / source, CHART / "files" / copy)
    helm = any_helm()
    EXAMPLES.mkdir(exist_ok=True)
    for name, values in value_files().items():
        text = rendered(helm, values)
        (EXAMPLES / f"{name}.yaml").write_text(text)
        count = text.count("\nkind: ")
        sys.stdout.write(f"{name}: {count} manifests\n")


if __name__ == "__main__":
    main()
