"""What Waybill's pages have of Jaeger: times from its API, and links, for which each needs the other's
address in people's browsers."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.support.manifests import Manifest, environments, only

Documents = Callable[..., list[Manifest]]
ADDRESSES = {"jaegerUrl": "https://jaeger.example.com", "waybillUrl": "https://example.com/waybill/"}


def jaeger_config(documents: list[Manifest]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Its own, and that of its pages."""
    data = only(documents, "ConfigMap", "-jaeger")["data"]
    pages = data.get("ui.json")
    return yaml.safe_load(data["config.yaml"]), None if pages is None else json.loads(pages)


def addresses(documents: list[Manifest], name: str) -> dict[str, str]:
    """The values of a variable, by the containers that have it."""
    return {
        where.split("/")[1]: one["value"]
        for where, env in environments(documents)
        for one in env
        if one["name"] == name
    }


def public_urls(documents: list[Manifest]) -> list[str]:
    return list(addresses(documents, "WAYBILL_JAEGER_PUBLIC_URL").values())


def rules(documents: list[Manifest], component: str, direction: str, port: int) -> list[Any]:
    """To whom, or from whom, each rule of a component's policy lets through on a port; None for anyone."""
    (policy,) = (
        document["spec"]
        for document in documents
        if document["kind"] == "NetworkPolicy"
        and document["metadata"]["labels"]["app.kubernetes.io/component"] == component
    )
    peers = {"egress": "to", "ingress": "from"}[direction]
    return [rule.get(peers) for rule in policy[direction] if rule["ports"] == [{"port": port}]]


def test_each_links_to_the_other(documents: Documents) -> None:
    rendered = documents({"tracing": {"pages": ADDRESSES}})
    config, pages = jaeger_config(rendered)

    assert public_urls(rendered) == ["https://jaeger.example.com"]
    assert config["extensions"]["jaeger_query"]["ui"] == {"config_file": "/etc/jaeger/ui.json"}
    assert pages is not None
    (link,) = pages["linkPatterns"]
    assert (link["type"], link["key"]) == ("tags", "report.id")
    assert link["url"] == "https://example.com/waybill/reports/#{report.id}"


def test_without_addresses_neither_does(documents: Documents) -> None:
    rendered = documents({})
    config, pages = jaeger_config(rendered)

    assert public_urls(rendered) == []
    assert pages is None
    assert "ui" not in config["extensions"]["jaeger_query"]


BACKENDS = {
    "jaeger": {"app.kubernetes.io/component": "jaeger", "app.kubernetes.io/name": "waybill"},
    "jaeger-operator": {"app": "jaeger", "app.kubernetes.io/instance": "waybill-jaeger"},
    "otel-operator": {
        "app.kubernetes.io/component": "opentelemetry-collector",
        "app.kubernetes.io/instance": "waybill.waybill-jaeger",
    },
}


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_api_asks_each_of_our_jaegers_and_is_let_through(documents: Documents, backend: str) -> None:
    rendered = documents({"tracing": {"backend": backend}})

    assert addresses(rendered, "WAYBILL_JAEGER_URL") == {"producer-api": "http://waybill-jaeger-query:16686"}
    ((out,),) = rules(rendered, "producer-api", "egress", 16686)
    assert BACKENDS[backend].items() <= out["podSelector"]["matchLabels"].items()
    assert out.keys() == {"podSelector"}, "of this namespace alone"
    (callers,) = rules(rendered, "jaeger", "ingress", 16686)
    components = [one["podSelector"]["matchLabels"]["app.kubernetes.io/component"] for one in callers]
    assert components == ["producer-api", "test"]
    assert rules(rendered, "report-worker", "egress", 16686) == []


def elsewhere(url: str) -> dict[str, Any]:
    external = {"endpoint": "jaeger.example.com:4317", "queryUrl": url}
    return {"tracing": {"backend": "external", "external": external}}


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://jaeger-query.observability:16686", 16686),
        ("https://example.com/jaeger", 443),
        ("http://example.com", 80),
    ],
)
def test_the_api_asks_one_that_is_elsewhere(documents: Documents, url: str, port: int) -> None:
    rendered = documents(elsewhere(url))

    assert addresses(rendered, "WAYBILL_JAEGER_URL") == {"producer-api": url}
    assert rules(rendered, "producer-api", "egress", port) == [None]


def test_without_an_address_elsewhere_nobody_is_asked(documents: Documents) -> None:
    rendered = documents(elsewhere(""))

    assert addresses(rendered, "WAYBILL_JAEGER_URL") == {}
    assert rules(rendered, "producer-api", "egress", 16686) == []
    assert rules(rendered, "test", "egress", 16686) == []


def test_an_own_variable_turns_it_off(documents: Documents) -> None:
    off = [{"name": "WAYBILL_JAEGER_URL", "value": ""}]

    assert addresses(documents({"producerApi": {"extraEnv": off}}), "WAYBILL_JAEGER_URL") == {
        "producer-api": ""
    }
