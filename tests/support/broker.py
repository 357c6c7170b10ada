"""A Kafka of its own, set up as somebody else's may be: without a protocol, with authorization."""

from collections.abc import Iterator, Mapping, Sequence
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
SECONDS = 30.0
"""For what an admin client asks."""

_AUTHORIZING = """
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
"""


@dataclass(frozen=True)
class Listener:
    """Where a broker is reached by another protocol than none; its name in capitals. `settings`: of this
    listener alone, without its prefix."""

    name: str
    protocol: str
    settings: Mapping[str, str]


_RESTRICTED = Listener(
    "RESTRICTED",
    "SASL_PLAINTEXT",
    {
        "sasl.enabled.mechanisms": "PLAIN",
        "plain.sasl.jaas.config": "org.apache.kafka.common.security.plain.PlainLoginModule required "
        f'user_{USER}="{PASSWORD}";',
    },
)


@dataclass(frozen=True)
class Rule:
    """That a user may `READ`, `WRITE`, … the `TOPIC`, `GROUP`, … of this name, `LITERAL` or `PREFIXED`."""

    resource: str
    name: str
    pattern: str
    operation: str

    def __str__(self) -> str:
        return f"{self.operation} on {self.resource} {self.name}"

    def binding(self, principal: str) -> AclBinding:
        return AclBinding(
            ResourceType[self.resource],
            self.name,
            ResourcePatternType[self.pattern],
            principal,
            "*",
            AclOperation[self.operation],
            AclPermissionType.ALLOW,
        )


@dataclass
class Broker:
    """`bootstrap` lets everybody do everything; at the other `addresses` there are users, and what is not
    allowed is denied."""

    bootstrap: str
    addresses: Mapping[str, str]
    """By the listeners' names."""
    runner: Runner
    run_dir: RunDir
    ports: Ports
    _admins: list[AdminClient] = field(default_factory=list)

    @property
    def restricted(self) -> str:
        """Where the restricted user comes in."""
        return self.addresses[_RESTRICTED.name]

    @property
    def security(self) -> dict[str, str]:
        """Of the restricted user, in librdkafka's names."""
        return {
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "PLAIN",
            "sasl.username": USER,
            "sasl.password": PASSWORD,
        }

    @property
    def admin(self) -> AdminClient:
        """Of somebody who may do everything."""
        if not self._admins:
            self._admins.append(AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0}))
        return self._admins[0]

    def allow(self, resource: str, name: str, operation: str) -> None:
        """To the restricted user: `TOPIC` or `GROUP`, and `READ`, `WRITE`, …"""
        self.grant(f"User:{USER}", Rule(resource, name, "LITERAL", operation))

    def grant(self, principal: str, *rules: Rule) -> None:
        bindings = [rule.binding(principal) for rule in rules]
        for allowed in self.admin.create_acls(bindings).values():
            allowed.result(SECONDS)


@contextmanager
def broker(
    directory: Path,
    settings: str = "",
    features: Sequence[str] = (),
    listeners: Sequence[Listener] = (_RESTRICTED,),
) -> Iterator[Broker]:
    """One node; `settings` are further lines of its configuration, `features` those to format it with."""
    found, ports, run_dir = Installation.find(), Ports.free(), RunDir(directory)
    run_dir.open(fresh=True)
    runner = Runner(run_dir)
    program = kafka.Program(found.java, found.kafka_libraries, kafka.with_archive(found.kafka_archive))
    home = run_dir.part("kafka")
    nodes = [
        replace(node, command=(*node.command, *(word for one in features for word in ("--feature", one))))
        if isinstance(node, Task)
        else node
        for node in kafka.nodes(program, home, ports["kafka"], ports["kafka-controller"])
    ]
    addresses = {one.name: f"127.0.0.1:{ports[one.name]}" for one in listeners}
    _configure(home / "server.properties", listeners, addresses, settings)
    try:
        runner.start(nodes, lambda *_: None)
        yield Broker(f"127.0.0.1:{ports['kafka']}", addresses, runner, run_dir, ports)
        runner.check()
    finally:
        runner.stop(lambda *_: None)
        ports.release()
        run_dir.close()


def _configure(
    properties: Path, listeners: Sequence[Listener], addresses: Mapping[str, str], settings: str
) -> None:
    """Adds the listeners, and who may do what."""
    lines = [line for line in properties.read_text().splitlines() if "=" in line and line[0] != "#"]
    found = dict(line.split("=", 1) for line in lines)
    for listener in listeners:
        address = f"{listener.name}://{addresses[listener.name]}"
        found["listeners"] += f",{address}"
        found["advertised.listeners"] += f",{address}"
        found["listener.security.protocol.map"] += f",{listener.name}:{listener.protocol}"
        prefix = f"listener.name.{listener.name.lower()}"
        found |= {f"{prefix}.{name}": value for name, value in listener.settings.items()}
    text = "".join(f"{name}={value}\n" for name, value in found.items())
    properties.write_text(f"{text}{_AUTHORIZING}{settings}\n")


def start(broker: Broker, part: Part) -> None:
    """A service on the broker, which need not be ready: it answers."""
    alive = part.health.replace("/readyz", "/healthz")
    broker.runner.start_part(replace(part, health=alive, needs=()))
