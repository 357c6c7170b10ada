"""Kafka's libraries by Maven, and an archive of the classes that its start loads."""

import hashlib
import re
import tempfile
import time
import xml.etree.ElementTree as ET
from pathlib import Path

from local import cache
from local.errors import SetupFailedError
from local.install import java
from local.install.context import Context
from local.parts import kafka
from local.parts.part import Part
from local.paths import CHECKOUT
from local.ports import Ports
from local.probes import answers
from local.progress import size

_POM = CHECKOUT / "local/kafka/pom.xml"
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_UNITS = {"B": 1, "kB": 1000, "MB": 1000_000}


def version() -> str:
    namespace = {"m": "http://maven.apache.org/POM/4.0.0"}
    found = ET.parse(_POM).findtext("m:properties/m:kafka.version", namespaces=namespace)  # noqa: S314 - ours
    if not found:
        raise ValueError(f"{_POM} has no property kafka.version")
    return found


def libraries() -> Path:
    """Where set-up puts the jars."""
    return cache.root() / f"kafka-{version()}-{cache.digest(_POM)}"


def archive(java_path: Path) -> Path:
    """Where set-up puts the class archive: it serves one build of the JVM and one folder of jars."""
    jvm = hashlib.sha256(java.version_text(java_path).encode()).hexdigest()[:12]
    return libraries().with_name(f"{libraries().name}-classes-{jvm}") / "kafka.jsa"


def install(context: Context, java_path: Path) -> None:
    cache.make_once(libraries(), lambda target: _download(context, target), context.waiting)
    made = archive(java_path)
    cache.make_once(
        made.parent, lambda target: _train(context, java_path, target / made.name), context.waiting
    )
    jars = list(libraries().iterdir())
    context.say(f"{version()}: {len(jars)} jars, {size(sum(jar.stat().st_size for jar in jars))}")


def _download(context: Context, target: Path) -> None:
    downloaded: list[float] = []

    def on_line(line: str) -> None:
        if match := re.search(r"Downloaded from .*\(([\d.]+) (B|kB|MB)", line):
            downloaded.append(float(match[1]) * _UNITS[match[2]])
            context.say(f"{len(downloaded)} files by Maven, {size(sum(downloaded))}")

    context.run(
        "libraries by Maven",
        (
            *("mvn", "--batch-mode", "--strict-checksums", "--file", str(_POM), _COPY),
            *("-DincludeScope=runtime", f"-DoutputDirectory={target}"),
        ),
        on_line=on_line,
    )


def _train(context: Context, java_path: Path, target: Path) -> None:
    """Starts a broker once and has the JVM write down at its end which classes it loaded."""
    ports = Ports.free()
    try:
        with tempfile.TemporaryDirectory() as directory:
            properties = kafka.write_properties(Path(directory), ports["kafka"], ports["kafka-controller"])
            plain = kafka.Program(java_path, libraries())
            context.run("a first start, to preload its classes", kafka.format_task(plain, properties).command)
            recording = kafka.Program(java_path, libraries(), (f"-XX:ArchiveClassesAtExit={target}",))
            _start_and_stop(context, kafka.broker(recording, properties, ports["kafka"]))
    finally:
        ports.release()
    if not target.exists():
        raise SetupFailedError("writing Kafka's class archive", context.log)


def _start_and_stop(context: Context, broker: Part) -> None:
    with context.log.open("ab") as log:
        process = context.launcher.spawn(
            broker.command, environment={}, directory=context.log.parent, output=log
        )
    deadline = time.monotonic() + broker.start_seconds
    while not answers(broker.health):
        if process.exit_code is not None or time.monotonic() > deadline:
            raise SetupFailedError("a first start of Kafka", context.log)
        time.sleep(0.1)
    process.stop(seconds=120)  # writing the archive takes some seconds
