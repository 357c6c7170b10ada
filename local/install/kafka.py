"""Kafka: a Java, the libraries by name and checksum, and an archive of the classes that its start loads."""

import hashlib
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from local import cache
from local.errors import SetupFailedError
from local.install import java, python
from local.install.context import Context
from local.parts import kafka
from local.parts.part import Part
from local.paths import CHECKOUT
from local.ports import Ports
from local.probes import answers
from local.progress import size

JARS = CHECKOUT / "local/kafka/jars.txt"
_FETCH = CHECKOUT / "local/kafka/fetch.py"
_JGO_REQUIREMENTS = CHECKOUT / "local/requirements/jgo.txt"
_BROKER = "org.apache.kafka:kafka_2.13"


@dataclass(frozen=True)
class Jar:
    """One line of `local/kafka/jars.txt`; `size` in bytes."""

    name: str
    """`group:artifact`"""
    version: str
    size: int
    sha256: str


def jars() -> list[Jar]:
    """Everything on the broker's class path."""
    lines = [line.split() for line in JARS.read_text().splitlines() if not line.startswith("#")]
    return [Jar(name, version, int(octets), sha256) for name, version, octets, sha256 in lines]


def version() -> str:
    """Of Kafka."""
    return next(jar.version for jar in jars() if jar.name == _BROKER)


def libraries() -> Path:
    """Where set-up puts the jars."""
    return cache.root() / f"kafka-{version()}-{cache.digest(JARS)}"


def class_archive(java_path: Path) -> Path:
    """Where set-up puts the class archive: it serves one build of the JVM and one folder of jars."""
    jvm = hashlib.sha256(java.version_text(java_path).encode()).hexdigest()[:12]
    return libraries().with_name(f"{libraries().name}-classes-{jvm}") / "kafka.jsa"


def install(context: Context) -> None:
    """The Java and the libraries: a broker starts with these."""
    java_path = java.install(context)
    cache.make_once(libraries(), lambda target: _download(context, target), context.waiting)
    total = sum(jar.size for jar in jars())
    context.say(f"{version()}: {len(jars())} jars, {size(total)}; Java: {java_path}")


def preload(context: Context) -> None:
    """The class archive, with which a broker starts in half the time. Needs what `install` brings."""
    java_path = java.install(context)
    archive = class_archive(java_path)
    cache.make_once(archive.parent, lambda target: _train(context, java_path, target), context.waiting)
    context.say(f"Kafka's classes, for faster starts: {size(archive.stat().st_size)}")


def _download(context: Context, target: Path) -> None:
    listed = jars()
    total = sum(jar.size for jar in listed)

    def on_line(line: str) -> None:
        files, _, octets = line.partition(" ")
        if files.isdecimal() and octets.isdecimal():
            context.say(f"downloading {files} of {len(listed)} jars, {size(int(octets))} of {size(total)}")

    context.run(
        f"downloading {len(listed)} jars",
        (sys.executable, str(_FETCH), str(JARS), str(target)),
        environment={"PYTHONPATH": str(_jgo(context))},
        on_line=on_line,
    )


def _jgo(context: Context) -> Path:
    """The folder with the package jgo, which downloads from Maven repositories without Maven."""
    # One of its dependencies is compiled for one version of Python.
    home = cache.root() / f"jgo-{cache.digest(_JGO_REQUIREMENTS)}-{sys.implementation.cache_tag}"
    python.unpack_once(context, _JGO_REQUIREMENTS, home)
    return home


def _train(context: Context, java_path: Path, target: Path) -> None:
    """Starts a broker once and has the JVM write down at its end which classes it loaded."""
    options = [f"-XX:ArchiveClassesAtExit={target / 'kafka.jsa'}"]
    if not java.has_class_archive(java_path):  # the JVM can only add to an archive of its own classes
        base = target / kafka.BASE_ARCHIVE
        dump = (str(java_path), "-XX:+UseSerialGC", "-Xshare:dump", f"-XX:SharedArchiveFile={base}")
        context.run("archiving Java's classes", dump)
        options.append(f"-XX:SharedArchiveFile={base}")
    ports = Ports.free()
    try:
        with tempfile.TemporaryDirectory() as directory:
            properties = kafka.write_properties(Path(directory), ports["kafka"], ports["kafka-controller"])
            plain = kafka.Program(java_path, libraries())
            context.run("archiving the classes of a start", kafka.format_task(plain, properties).command)
            recording = kafka.Program(java_path, libraries(), tuple(options))
            _start_and_stop(context, kafka.broker(recording, properties, ports["kafka"]))
    finally:
        ports.release()
    if not (target / "kafka.jsa").exists():
        raise SetupFailedError("writing Kafka's class archive", context.log)


def _start_and_stop(context: Context, broker: Part) -> None:
    with context.log.open("ab") as log:
        process = context.spawn(broker.command, output=log, directory=context.log.parent)
    deadline = time.monotonic() + broker.start_seconds
    while not answers(broker.health):
        if process.exit_code is not None or time.monotonic() > deadline:
            raise SetupFailedError("a first start of Kafka", context.log)
        time.sleep(0.1)
    process.stop(seconds=120)  # writing the archive takes some seconds
