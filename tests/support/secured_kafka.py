"""A Kafka that lets clients in by TLS alone, as Strimzi sets one up: with certificates of their own at one
listener, with SCRAM at another; and the chart's users, with the rules of the chart and no others."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, but not in its type hints
    AclBindingFilter,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from tests.support.broker import SECONDS, Broker, Listener, Rule, broker
from tests.support.certificates import Authority, Certificate
from tests.support.kafka_users import API, EXAMPLES, WORKER, User, user
from waybill.kafka import KafkaConfig
from waybill.settings import PREFIX, KafkaSettings, load

LISTENERS = {"tls": "MTLS", "scram-sha-512": "SCRAM"}
MISNAMED = "MISNAMED"
"""A listener whose certificate is of another host."""

_CA_SECRET = "waybill-cluster-ca-cert"


@dataclass
class SecuredKafka:
    """`brokers` has signed the broker's certificates, and `clients` those of the users. `users`: by
    authentication and service. `secrets`: what Strimzi's operator would have put there."""

    broker: Broker
    brokers: Authority
    clients: Authority
    users: Mapping[tuple[str, str], User]
    secrets: dict[str, dict[str, str]]
    directory: Path

    def environment(self, user: User, **changed: str | None) -> dict[str, str]:
        """The variables of Kafka in the service's container, as the chart has them, at this broker. `changed`
        without their prefix: instead, or not at all."""
        found: dict[str, str | None] = {
            **user.environment(self.secrets),
            f"{PREFIX}KAFKA_BOOTSTRAP_SERVERS": self.broker.addresses[LISTENERS[user.authentication]],
            f"{PREFIX}KAFKA_SSL_CA_LOCATION": self.file(self.secrets[_CA_SECRET]["ca.crt"]),
            **{f"{PREFIX}KAFKA_{name}": value for name, value in changed.items()},
        }
        return {name: value for name, value in found.items() if value is not None}

    def config(self, user: User, **changed: str | None) -> KafkaConfig:
        """What a service makes of these variables."""
        values = {
            name.removeprefix(PREFIX).lower(): value
            for name, value in self.environment(user, **changed).items()
        }
        known = {name: value for name, value in values.items() if name in KafkaSettings.model_fields}
        return load(KafkaSettings, **known).kafka_config(f"{user.name}-{secrets.token_hex(4)}")

    def file(self, text: str) -> str:
        """A file with this text."""
        path = self.directory / f"{secrets.token_hex(8)}.pem"
        path.write_text(text)
        return str(path)

    def set_password(self, name: str, password: str) -> None:
        """Of a user with SCRAM."""
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        wanted = UserScramCredentialUpsertion(name, info, password.encode())
        for altered in self.broker.admin.alter_user_scram_credentials([wanted]).values():
            altered.result(SECONDS)

    @contextmanager
    def without(self, user: User, rule: Rule) -> Iterator[None]:
        """The user lacks this rule while the block runs."""
        self.revoke(user, rule)
        try:
            yield
        finally:
            self.broker.grant(user.principal, rule)

    @contextmanager
    def granted(self, user: User, *rules: Rule) -> Iterator[None]:
        """The user has these rules too while the block runs."""
        self.broker.grant(user.principal, *rules)
        try:
            yield
        finally:
            self.revoke(user, *rules)

    def revoke(self, user: User, *rules: Rule) -> None:
        bindings = [rule.binding(user.principal) for rule in rules]
        filters = [
            AclBindingFilter(
                one.restype,
                one.name,
                one.resource_pattern_type,
                one.principal,
                one.host,
                one.operation,
                one.permission_type,
            )
            for one in bindings
        ]
        removed = [done.result(SECONDS) for done in self.broker.admin.delete_acls(filters).values()]
        assert [len(found) for found in removed] == [1] * len(rules), "each of them was there"


@contextmanager
def secured_kafka(directory: Path) -> Iterator[SecuredKafka]:
    """Without topics."""
    brokers, clients = Authority("brokers"), Authority("clients")
    users = {
        (authentication, component): user(authentication, component)
        for authentication in EXAMPLES
        for component in (API, WORKER)
    }
    made: dict[str, dict[str, str]] = {_CA_SECRET: {"ca.crt": brokers.pem}}
    for name in {one.name for one in users.values()}:
        certificate = clients.for_client(name)
        made[name] = {
            "user.crt": certificate.certificate,
            "user.key": certificate.key,
            "password": secrets.token_urlsafe(24),
        }
    with broker(directory / "broker", listeners=_listeners(directory, brokers, clients)) as started:
        kafka = SecuredKafka(started, brokers, clients, users, made, directory)
        for one in users.values():
            started.grant(one.principal, *one.rules)
            kafka.set_password(one.name, made[one.name]["password"])
        yield kafka


def _listeners(directory: Path, brokers: Authority, clients: Authority) -> Sequence[Listener]:
    ours = _identity(directory / "broker.pem", brokers.for_server("127.0.0.1", "localhost"))
    elsewhere = _identity(directory / "elsewhere.pem", brokers.for_server("kafka.elsewhere.test"))
    trusted = directory / "clients.pem"
    trusted.write_text(clients.pem)
    client_certificates = {
        "ssl.client.auth": "required",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(trusted),
    }
    scram = {
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "scram-sha-512.sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required;",
    }
    return (
        Listener(LISTENERS["tls"], "SSL", {**ours, **client_certificates}),
        Listener(LISTENERS["scram-sha-512"], "SASL_SSL", {**ours, **scram}),
        Listener(MISNAMED, "SSL", {**elsewhere, **client_certificates}),
    )


def _identity(file: Path, certificate: Certificate) -> dict[str, str]:
    """A listener's settings for its own certificate."""
    file.write_text(certificate.key + certificate.certificate)
    return {"ssl.keystore.type": "PEM", "ssl.keystore.location": str(file)}
