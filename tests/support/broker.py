"""A Kafka of its own, set up as somebody else's may be: without a protocol, with authorization."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, but not in its type hints
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from local.installation import Installation
from local.parts import kafka
from local.parts.part import Part, Task
from local.ports import Ports
from local.run_dir import RunDir
from local.runner import Runner

USER, PASSWORD = "waybill", "its-secret"

_RESTRICTED = """
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,RELAYED:SASL_PLAINTEXT
sasl.enabled.mechanisms=PLAIN
listener.name.relayed.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule \
required user_waybill="its-secret";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
"""


@dataclass
class Broker:
    """`bootstrap` lets everybody do everything; `restricted` has users, and denies what is not allowed."""

    bootstrap: str
    restricted: str
    runner: Runner
    run_dir: RunDir
    ports: Ports
    _admins: list[AdminClient] = field(default_factory=list)

    @property
    def security(self) -> dict[str, str]:
        """Of the restricted user, in librdkafka's names."""
        return {
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "PLAIN",
            "sasl.username": USER,
            "sasl.password": PASSWORD,
        }

    def allow(self, resource: str, name: str, operation: str) -> None:
        """To the restricted user: `TOPIC` or `GROUP`, and `READ`, `WRITE`, …"""
        binding = AclBinding(
            ResourceType[resource],
            name,
            ResourcePatternType.LITERAL,
            f"User:{USER}",
            "*",
            AclOperation[operation],
            AclPermissionType.ALLOW,
        )
        if not self._admins:
            self._admins.append(AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0}))
        for allowed in self._admins[0].create_acls([binding]).values():
            allowed.result(30)


@contextmanager
def broker(directory: Path, settings: str = "", features: Sequence[str] = ()) -> Iterator[Broker]:
    """One node; `settings` are further lines of its configuration, `features` those to format it with."""
    found, ports, run_dir = Installation.find(), Ports.free(), RunDir(directory)
    run_dir.open(fresh=True)
    runner = Runner(run_dir)
    program = kafka.Program(found.java, found.kafka_libraries, kafka.with_archive(found.kafka_archive))
    relayed = kafka.Relayed(ports["restricted"], ports["restricted"])
    home = run_dir.part("kafka")
    nodes = [
        replace(node, command=(*node.command, *(word for one in features for word in ("--feature", one))))
        if isinstance(node, Task)
        else node
        for node in kafka.nodes(program, home, ports["kafka"], ports["kafka-controller"], relayed)
    ]
    properties = home / "server.properties"
    lines = [
        line
        for line in properties.read_text().splitlines()
        if not line.startswith("listener.security.protocol.map")
    ]
    properties.write_text("\n".join([*lines, _RESTRICTED, settings]))
    try:
        runner.start(nodes, lambda *_: None)
        yield Broker(
            f"127.0.0.1:{ports['kafka']}", f"127.0.0.1:{ports['restricted']}", runner, run_dir, ports
        )
        runner.check()
    finally:
        runner.stop(lambda *_: None)
        ports.release()
        run_dir.close()


def start(broker: Broker, part: Part) -> None:
    """A service on the broker, which need not be ready: it answers."""
    alive = part.health.replace("/readyz", "/healthz")
    broker.runner.start_part(replace(part, health=alive, needs=()))
