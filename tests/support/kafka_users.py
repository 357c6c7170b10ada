"""The chart's users of Kafka, by its manifests: what each is allowed, and how its service signs in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.broker import Rule
from tests.support.checkout import ROOT
from tests.support.manifests import Manifest, environments, only, read

EXAMPLES = {"tls": "default", "scram-sha-512": "jaeger-operator"}
"""An example of the chart for each authentication. Other tests compare them with what Helm renders."""

API, WORKER = "producer-api", "report-worker"

_OPERATIONS = {"Read": "READ", "Write": "WRITE", "Describe": "DESCRIBE"}
"""An operation that is not here fails the tests that read the rules: it is more than a service has needed."""
_PATTERNS = {"literal": "LITERAL", "prefix": "PREFIXED"}

Secrets = Mapping[str, Mapping[str, str]]
"""The data of Kubernetes' Secrets, by their names."""


@dataclass(frozen=True)
class User:
    """A `KafkaUser`. `variables`: those of Kafka in its service's container."""

    name: str
    authentication: str
    rules: tuple[Rule, ...]
    variables: tuple[Manifest, ...]

    @property
    def principal(self) -> str:
        """As Strimzi names it for the broker's authorizer."""
        return f"User:CN={self.name}" if self.authentication == "tls" else f"User:{self.name}"

    def environment(self, secrets: Secrets) -> dict[str, str]:
        """Of the container, once its Secrets are there."""
        return {variable["name"]: _value(variable, secrets) for variable in self.variables}


def user(authentication: str, component: str) -> User:
    """That of a service, in the example with this authentication."""
    documents = read(_manifests(authentication).read_text())
    resource = only(documents, "KafkaUser", component)
    assert resource["spec"]["authentication"] == {"type": authentication}
    assert resource["spec"]["authorization"]["type"] == "simple"
    (variables,) = (
        found for name, found in environments(documents) if name.endswith(f"{component}/{component}")
    )
    return User(
        resource["metadata"]["name"],
        authentication,
        tuple(_rules(resource["spec"]["authorization"]["acls"])),
        tuple(one for one in variables if one["name"].startswith("WAYBILL_KAFKA_")),
    )


def _manifests(authentication: str) -> Path:
    return ROOT / "charts/waybill/examples" / f"{EXAMPLES[authentication]}.yaml"


def _rules(acls: list[Manifest]) -> Iterator[Rule]:
    for acl in acls:
        assert set(acl) == {"resource", "operations"}, "from every host, and nothing denied"
        resource = acl["resource"]
        for operation in acl["operations"]:
            yield Rule(
                resource["type"].upper(),
                resource["name"],
                _PATTERNS[resource["patternType"]],
                _OPERATIONS[operation],
            )


def _value(variable: Manifest, secrets: Secrets) -> str:
    if "value" in variable:
        return str(variable["value"])
    source = variable["valueFrom"]["secretKeyRef"]
    return secrets[source["name"]][source["key"]]
