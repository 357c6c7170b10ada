"""Apache Kafka: one node, broker and controller in one."""

import os
from dataclasses import dataclass
from pathlib import Path

from local.parts.part import Node, Part, Task
from local.paths import CHECKOUT

_CLUSTER_ID = "V2F5YmlsbExvY2FsS2Fma2"  # any UUID as 22 base64 characters

BASE_ARCHIVE = "java.jsa"
"""The file beside Kafka's class archive with Java's own classes, where Java came without it."""

_SETTINGS = """\
node.id=1
process.roles=broker,controller
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}{relayed_listener}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}{relayed_address}
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:{controller_port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,RELAYED:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs={data}

# Topics are made by `waybill topics`; a name that is misspelt is an error.
auto.create.topics.enable=false

# One node: nothing to replicate to, and little to keep.
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=8
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=8
log.cleaner.dedupe.buffer.size=16777216

# No other controller follows its metadata: no record twice a second that says nothing.
metadata.max.idle.interval.ms=0

# A worker joins at once; the partitions of one that was killed are free after 6 s, not 45 s.
group.initial.rebalance.delay.ms=0
group.consumer.min.session.timeout.ms=6000
group.consumer.session.timeout.ms=6000
group.consumer.min.heartbeat.interval.ms=1000
group.consumer.heartbeat.interval.ms=2000
"""

_JVM_OPTIONS = (
    "-Xms64m",
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    f"-Dlog4j2.configurationFile={CHECKOUT / 'local/kafka/log4j2.properties'}",
)


@dataclass(frozen=True)
class Program:
    """Kafka's libraries and the Java that runs them."""

    java: Path
    libraries: Path
    options: tuple[str, ...] = ()
    """More options for the JVM."""

    def command(self, *arguments: str) -> tuple[str, ...]:
        return (str(self.java), *_JVM_OPTIONS, *self.options, "-cp", f"{self.libraries}/*", *arguments)


@dataclass(frozen=True)
class Relayed:
    """A second listener, for clients behind a proxy: the broker tells them to come back to the proxy."""

    port: int
    """Where the broker listens."""
    proxy_port: int


def nodes(
    program: Program, directory: Path, port: int, controller_port: int, relayed: Relayed | None = None
) -> list[Node]:
    """The broker, and before it the task that formats its data directory if `directory` has none."""
    properties = write_properties(directory, port, controller_port, relayed)
    formatted = (directory / "data/meta.properties").exists()
    tasks = [] if formatted else [format_task(program, properties)]
    return [*tasks, broker(program, properties, port, needs=tuple(task.name for task in tasks))]


def write_properties(
    directory: Path, port: int, controller_port: int, relayed: Relayed | None = None
) -> Path:
    properties = directory / "server.properties"
    settings = _SETTINGS.format(
        port=port,
        controller_port=controller_port,
        data=directory / "data",
        relayed_listener=f",RELAYED://127.0.0.1:{relayed.port}" if relayed else "",
        relayed_address=f",RELAYED://127.0.0.1:{relayed.proxy_port}" if relayed else "",
    )
    properties.write_text(settings)
    return properties


def format_task(program: Program, properties: Path) -> Task:
    arguments = ("format", "-t", _CLUSTER_ID, "-c", str(properties))
    return Task(name="kafka-format", command=program.command("kafka.tools.StorageTool", *arguments))


def broker(program: Program, properties: Path, port: int, needs: tuple[str, ...] = ()) -> Part:
    return Part(
        name="kafka",
        command=program.command("kafka.Kafka", str(properties)),
        port=port,
        health=f"kafka://127.0.0.1:{port}",
        needs=needs,
    )


def with_archive(archive: Path) -> tuple[str, ...]:
    """JVM options that load preloaded classes; the JVM goes on without if the file does not fit."""
    base = archive.with_name(BASE_ARCHIVE)
    files = [str(file) for file in (base, archive) if file.exists()]
    return (f"-XX:SharedArchiveFile={os.pathsep.join(files)}",) if archive.exists() else ()
