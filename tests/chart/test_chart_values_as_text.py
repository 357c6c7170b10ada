"""Text stays text, whatever it looks like: a group `007` is no number, a storage class `on` no boolean."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.support.manifests import Manifest

Documents = Callable[..., list[Manifest]]

STRIMZI = """
nameOverride: TOKEN
fullnameOverride: waybill
images: {registry: TOKEN, pullSecrets: [{name: TOKEN}]}
scheduling: {priorityClassName: TOKEN, nodeSelector: {pool: TOKEN}}
producerApi:
  image: {repository: TOKEN, tag: TOKEN}
  ingress: {enabled: true, className: TOKEN, host: TOKEN, tlsSecret: TOKEN, annotations: {some: TOKEN}}
  service: {annotations: {some: TOKEN}}
  trustedProxies: [10.0.0.0/8]
  auth:
    accept: [proxy]
    proxy: {userHeader: TOKEN, tenantHeader: TOKEN, rolesHeader: TOKEN}
    oidc:
      audience: TOKEN
      ownerClaim: TOKEN
      tenantClaim: TOKEN
      rolesClaim: TOKEN
      roles: {"TOKEN": [operator]}
  extraEnv: [{name: SOME, value: TOKEN}]
  podAnnotations: {some: TOKEN}
  podLabels: {some: TOKEN}
  serviceAccount: {annotations: {some: TOKEN}}
reportWorker:
  image: {repository: TOKEN, tag: TOKEN}
  keda: {enabled: true, maxReplicas: 4}
artefacts: {persistence: {storageClass: TOKEN}}
kafka:
  group: TOKEN
  topics: {report: {name: TOKEN}, reportStatus: {name: TOKEN-status}, reportDeadLetter: {name: TOKEN-dead}}
  strimzi: {authentication: scram-sha-512, metrics: true, storage: {class: TOKEN}, config: {some: TOKEN}}
postgresql: {builtin: {password: TOKEN, persistence: {storageClass: TOKEN}}}
serviceMonitor: {enabled: true, labels: {some: TOKEN}}
test: {tokenSecret: {name: TOKEN, key: TOKEN}}
"""
EXTERNAL = """
fullnameOverride: waybill
artefacts: {url: "s3://TOKEN", existingSecret: TOKEN}
kafka:
  mode: external
  group: TOKEN
  topics: {report: {name: TOKEN}}
  external:
    bootstrapServers: TOKEN:9092
    securityProtocol: SASL_SSL
    caSecret: {name: TOKEN, key: TOKEN}
    certificateSecret: {name: TOKEN, certificateKey: TOKEN, privateKeyKey: TOKEN}
    sasl: {mechanism: PLAIN, existingSecret: TOKEN, usernameKey: TOKEN, passwordKey: TOKEN}
    createTopics: {enabled: true}
postgresql: {mode: external, external: {existingSecret: TOKEN, urlKey: TOKEN}}
collector: {mode: operator}
tracing: {backend: otel-operator}
reportWorker: {keda: {enabled: true}}
"""
PLACEHOLDER = "placeholder"
LOOKS_LIKE_SOMETHING_ELSE = ["007", "1e3", "0x10", "null", "true", "on", "no", "2001-01-01"]


def rendered(documents: Documents, values: str, token: str) -> list[Any]:
    """Also the release and its namespace are called so, and configuration in ConfigMaps is read."""
    text = re.sub(r"TOKEN(?=[,}\]\n])", f"'{token}'", values).replace("TOKEN", token)
    found = documents(yaml.safe_load(text), f"--namespace={token}", release=token)
    for document in found:
        document["metadata"].pop("annotations", {}).pop("checksum/config", None)
        if document["kind"] == "ConfigMap" and "config.yaml" in document["data"]:
            document["data"]["config.yaml"] = yaml.safe_load(document["data"]["config.yaml"])
        template = document.get("spec", {}).get("template", {})
        if isinstance(template, dict):
            template.get("metadata", {}).get("annotations", {}).pop("checksum/config", None)
    return found


def replaced(node: Any, token: str) -> Any:
    if isinstance(node, dict):
        return {replaced(key, token): replaced(value, token) for key, value in node.items()}
    if isinstance(node, list):
        return [replaced(value, token) for value in node]
    return node.replace(PLACEHOLDER, token) if isinstance(node, str) else node


@pytest.fixture(scope="module")
def with_placeholder(documents: Documents) -> dict[str, list[Any]]:
    return {values: rendered(documents, values, PLACEHOLDER) for values in (STRIMZI, EXTERNAL)}


@pytest.mark.parametrize("token", LOOKS_LIKE_SOMETHING_ELSE)
@pytest.mark.parametrize("values", [STRIMZI, EXTERNAL], ids=["strimzi", "external"])
def test_text_stays_text(
    documents: Documents, with_placeholder: dict[str, list[Any]], values: str, token: str
) -> None:
    expected = replaced(with_placeholder[values], token)
    found = rendered(documents, values, token)
    assert len(found) == len(expected)
    for document in found:
        assert document in expected
