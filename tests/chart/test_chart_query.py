"""Reports that YAML files define: who reads what."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from report_worker.query import Sources
from tests.support.manifests import Manifest, environments

Documents = Callable[..., list[Manifest]]

SALES = "waybill: 1\nname: sales\n"
SOURCES = {"warehouse": {"type": "postgresql", "url_file": "/run/waybill/sources/warehouse"}}


def named(documents: list[Manifest], kind: str, end: str) -> Manifest:
    (found,) = [one for one in documents if one["kind"] == kind and one["metadata"]["name"].endswith(end)]
    return found


def pod(documents: list[Manifest], component: str) -> dict[str, Any]:
    spec: dict[str, Any] = named(documents, "Deployment", component)["spec"]["template"]["spec"]
    return spec


def mounts(documents: list[Manifest], component: str) -> dict[str, str]:
    (container,) = pod(documents, component)["containers"]
    return {one["name"]: one["mountPath"] for one in container["volumeMounts"]}


def variables(documents: list[Manifest], component: str) -> dict[str, str]:
    (found,) = [env for name, env in environments(documents) if name.endswith(f"{component}/{component}")]
    return {one["name"]: one.get("value", "") for one in found}


def test_the_api_reads_definitions_and_the_workers_read_sources(documents: Documents) -> None:
    found = documents({"query": {"definitions": {"sales.yaml": SALES}, "sources": SOURCES}})
    assert named(found, "ConfigMap", "-definitions")["data"] == {"sales.yaml": SALES}
    read = yaml.safe_load(named(found, "ConfigMap", "-sources")["data"]["sources.yaml"])
    assert Sources.model_validate(read)["warehouse"]
    assert (
        variables(found, "producer-api")["WAYBILL_DEFINITIONS"]
        == mounts(found, "producer-api")["definitions"]
    )
    assert variables(found, "report-worker")["WAYBILL_SOURCES"].startswith(
        mounts(found, "report-worker")["sources"]
    )
    assert "sources" not in mounts(found, "producer-api")
    assert "WAYBILL_SOURCES" not in variables(found, "producer-api")
    assert "definitions" not in mounts(found, "report-worker")


def test_a_config_map_of_the_users_takes_the_place_of_the_charts(documents: Documents) -> None:
    found = documents({"query": {"definitionsConfigMap": "reports"}})
    (volume,) = [one for one in pod(found, "producer-api")["volumes"] if one["name"] == "definitions"]
    assert volume["configMap"]["name"] == "reports"
    assert not [one for one in found if one["metadata"]["name"].endswith("-definitions")]


def test_secrets_and_data_are_only_in_the_worker_and_only_read(documents: Documents) -> None:
    values = {"query": {"sources": SOURCES, "sourcesSecret": "passwords", "dataClaim": "exports"}}
    found = documents(values)
    (container,) = pod(found, "report-worker")["containers"]
    read_only = {one["name"] for one in container["volumeMounts"] if one.get("readOnly")}
    assert {"sources", "source-secrets", "data"} <= read_only
    assert {"source-secrets", "data"}.isdisjoint(mounts(found, "producer-api"))


def test_without_definitions_nothing_is_mounted(documents: Documents) -> None:
    found = documents({})
    assert "definitions" not in mounts(found, "producer-api")
    assert "WAYBILL_DEFINITIONS" not in variables(found, "producer-api")
    assert "WAYBILL_SOURCES" not in variables(found, "report-worker")


@pytest.mark.parametrize(
    "query",
    [{"definitions": {"sales.txt": SALES}}, {"definitions": {"sales.yaml": 1}}, {"sources": {"A": {}}}],
)
def test_wrong_values_are_refused(documents: Documents, query: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match=r"query|sales\.txt"):
        documents({"query": query})
