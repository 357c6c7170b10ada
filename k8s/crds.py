"""The real custom resource definitions, so that an API server can judge our resources.

Go modules carry those of most operators; Strimzi's are generated from its Java classes, as its own release
does it. Each is fetched by its ordinary client and kept in the cache by its version.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from k8s.programs import CACHE, Missing
from local.install import go, java

COPY_DEPENDENCIES = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"


@dataclass(frozen=True)
class GoModule:
    """Definitions that a Go module has as files."""

    module: str
    version: str
    files: tuple[str, ...]

    @property
    def key(self) -> str:
        return f"{self.module.replace('/', '_')}-{self.version}"

    def fetch(self, folder: Path) -> None:
        """Raises `Missing`."""
        program = go.find()
        if program is None:
            raise Missing("no Go, which fetches the definitions of operators: put it on the PATH")
        answer = subprocess.run(
            [program, "mod", "download", "-json", f"{self.module}@{self.version}"],
            cwd=folder,
            env={**os.environ, "GOFLAGS": "-mod=mod"},
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode != 0:
            raise Missing(
                f"the Go module {self.module}@{self.version} cannot be had: {answer.stdout.strip()}"
            )
        source = Path(json.loads(answer.stdout)["Dir"])
        for file in self.files:
            shutil.copyfile(source / file, folder / Path(file).name)


@dataclass(frozen=True)
class Strimzi:
    """Definitions that Strimzi's generator writes from its API's classes."""

    version: str
    classes: tuple[str, ...]

    @property
    def key(self) -> str:
        return f"strimzi-{self.version}"

    def fetch(self, folder: Path) -> None:
        """Raises `Missing`."""
        program = java_21()
        if not shutil.which("mvn"):
            raise Missing("no Maven, which fetches Strimzi's generator: put mvn on the PATH")
        with tempfile.TemporaryDirectory() as project:
            Path(project, "pom.xml").write_text(self._pom())
            done = subprocess.run(
                ["mvn", "-B", "-q", COPY_DEPENDENCIES, "-DincludeScope=runtime", "-DoutputDirectory=libs"],
                cwd=project,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                raise Missing(f"Strimzi's generator cannot be had: {done.stdout.strip()[-300:]}")
            outputs = [
                f"io.strimzi.api.kafka.model.{name}={folder / name.rpartition('.')[2]}.yaml"
                for name in self.classes
            ]
            subprocess.run(
                [program, "-cp", "libs/*", "io.strimzi.crdgenerator.CrdGenerator", "--yaml", *outputs],
                cwd=project,
                check=True,
            )

    def _pom(self) -> str:
        dependencies = "".join(
            f"<dependency><groupId>io.strimzi</groupId><artifactId>{name}</artifactId>"
            f"<version>{self.version}</version></dependency>"
            for name in ("api", "crd-generator")
        )
        return (
            "<project><modelVersion>4.0.0</modelVersion><groupId>waybill</groupId><artifactId>crds</artifactId>"
            f"<version>1</version><dependencies>{dependencies}</dependencies></project>"
        )


STRIMZI = Strimzi("1.2.0", ("kafka.Kafka", "nodepool.KafkaNodePool", "topic.KafkaTopic", "user.KafkaUser"))
JAEGER_OPERATOR = GoModule(
    "github.com/jaegertracing/jaeger-operator",
    "v1.65.0",
    ("config/crd/bases/jaegertracing.io_jaegers.yaml",),
)
OTEL_OPERATOR = GoModule(
    "github.com/open-telemetry/opentelemetry-operator",
    "v0.140.0",
    ("config/crd/bases/opentelemetry.io_opentelemetrycollectors.yaml",),
)
KEDA = GoModule(
    "github.com/kedacore/keda/v2",
    "v2.21.0",
    (
        "config/crd/bases/keda.sh_scaledobjects.yaml",
        "config/crd/bases/keda.sh_triggerauthentications.yaml",
    ),
)
PROMETHEUS_OPERATOR = GoModule(
    "github.com/prometheus-operator/prometheus-operator",
    "v0.85.0",
    ("example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",),
)
GATEWAY_API = GoModule(
    "sigs.k8s.io/gateway-api",
    "v1.6.3",
    ("config/crd/standard/gateway.networking.k8s.io_httproutes.yaml",),
)
SOURCES: tuple[GoModule | Strimzi, ...] = (
    STRIMZI,
    JAEGER_OPERATOR,
    OTEL_OPERATOR,
    KEDA,
    PROMETHEUS_OPERATOR,
    GATEWAY_API,
)


def definitions(source: GoModule | Strimzi) -> Path:
    """A folder with the source's definitions, from the cache where they are. Raises `Missing`."""
    folder = CACHE / "crds" / source.key
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as new:
            source.fetch(Path(new))
            try:
                shutil.copytree(new, folder)
            except FileExistsError:  # another run was faster
                return folder
    return folder


def java_21() -> Path:
    """A Java that Strimzi's classes run on. Raises `Missing`."""
    for program in _javas():
        version = subprocess.run([program, "-version"], capture_output=True, text=True, check=False).stderr
        major = version.partition('"')[2].split(".")[0].split('"')[0]
        if major.isdigit() and int(major) >= 21:
            return program
    raise Missing("no Java 21 or newer, which Strimzi's generator needs: put it on the PATH")


def _javas() -> Iterator[Path]:
    home = os.environ.get("JAVA_HOME")
    if home:
        yield Path(home, "bin", "java")
    on_path = shutil.which("java")
    if on_path:
        yield Path(on_path)
    if found := java.find():  # set-up's own, where the machine has none
        yield found
    yield from sorted(Path("/usr/lib/jvm").glob("*/bin/java"))
