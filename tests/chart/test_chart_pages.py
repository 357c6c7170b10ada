"""Links between Waybill's pages and Jaeger's: each needs the other's address in people's browsers."""

import json
from collections.abc import Callable
from typing import Any

import yaml

from tests.support.manifests import Manifest, environments, only

Documents = Callable[..., list[Manifest]]
ADDRESSES = {"jaegerUrl": "https://jaeger.example.com", "waybillUrl": "https://example.com/waybill/"}


def jaeger_config(documents: list[Manifest]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Its own, and that of its pages."""
    data = only(documents, "ConfigMap", "-jaeger")["data"]
    pages = data.get("ui.json")
    return yaml.safe_load(data["config.yaml"]), None if pages is None else json.loads(pages)


def public_urls(documents: list[Manifest]) -> list[str]:
    found = [one for _, env in environments(documents) for one in env]
    return [one["value"] for one in found if one["name"] == "WAYBILL_JAEGER_PUBLIC_URL"]


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
