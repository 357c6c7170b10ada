"""Webhooks: their settings and their secret are the API's alone, and so is the way to the receivers."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.manifests import Manifest, environments, only

Documents = Callable[..., list[Manifest]]
Fails = Callable[..., str]
Manifests = Callable[[str], list[Manifest]]

WEBHOOKS: dict[str, Any] = {"hosts": ["hooks.example.com"], "existingSecret": "ours"}


def variables(documents: list[Manifest]) -> dict[str, dict[str, Any]]:
    """Of each container that has some: those of webhooks."""
    found = {
        name: {
            one["name"]: one.get("value", one.get("valueFrom")) for one in env if "_WEBHOOK_" in one["name"]
        }
        for name, env in environments(documents)
    }
    return {name.rpartition("/")[2]: values for name, values in found.items() if values}


def ports(documents: list[Manifest], service: str) -> list[Any]:
    """Those that a service may reach anywhere, besides those of DNS."""
    rules = only(documents, "NetworkPolicy", f"-{service}")["spec"]["egress"]
    return [port["port"] for rule in rules if "to" not in rule for port in rule["ports"]][2:]


def test_each_value_is_a_variable_of_the_api_alone(manifests: Manifests) -> None:
    assert variables(manifests("external")) == {
        "producer-api": {
            "WAYBILL_WEBHOOK_HOSTS": "hooks.example.com,*.example.org:8443,http://receiver.billing:8080",
            "WAYBILL_WEBHOOK_PRIVATE_NETWORKS": "10.1.0.0/16",
            "WAYBILL_WEBHOOK_RETRY_SECONDS": "5,300,1800",
            "WAYBILL_WEBHOOK_SECRET": {"secretKeyRef": {"name": "waybill-webhooks", "key": "webhook-secret"}},
        }
    }


def test_what_is_not_set_has_no_variable(documents: Documents) -> None:
    assert variables(documents({})) == {}
    given = {"webhooks": {**WEBHOOKS, "secretKey": "a-key"}}
    assert variables(documents({"producerApi": given})) == {
        "producer-api": {
            "WAYBILL_WEBHOOK_HOSTS": "hooks.example.com",
            "WAYBILL_WEBHOOK_SECRET": {"secretKeyRef": {"name": "ours", "key": "a-key"}},
        }
    }


def test_only_the_api_reaches_the_receivers_on_their_ports(documents: Documents) -> None:
    hosts = ["hooks.example.com", "*.example.org:8443", "http://receiver", "http://[::1]:8080", "[fd00::1]"]
    rendered = documents({"producerApi": {"webhooks": {**WEBHOOKS, "hosts": hosts}}})

    assert ports(rendered, "producer-api") == [443, 8443, 80, 8080]
    assert ports(rendered, "report-worker") == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("hosts={hooks.example.com}",),
            "producerApi.webhooks.hosts needs producerApi.webhooks.existingSecret",
        ),
        (("existingSecret=ours",), "producerApi.webhooks.existingSecret needs producerApi.webhooks.hosts"),
    ],
)
def test_what_webhooks_lack_is_said(fails: Fails, arguments: tuple[str, ...], said: str) -> None:
    assert said in fails(*(f"--set=producerApi.webhooks.{argument}" for argument in arguments))
