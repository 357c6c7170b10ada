"""KEDA scales the workers by the reports in the database, which it must be able to reach."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.manifests import Manifest, only

Documents = Callable[..., list[Manifest]]


def keda(slots: int = 2, **values: Any) -> dict[str, Any]:
    return {"reportWorker": {"slots": slots, "keda": {"enabled": True, "maxReplicas": 4, **values}}}


def connection(documents: list[Manifest]) -> dict[str, str]:
    """Where KEDA finds the database's URL."""
    (found,) = only(documents, "TriggerAuthentication")["spec"]["secretTargetRef"]
    parameter: dict[str, str] = found
    return parameter


def test_there_are_as_many_workers_as_the_slots_that_the_reports_need(documents: Documents) -> None:
    rendered = documents(keda(slots=3, reportsPerSlot=5))

    (trigger,) = only(rendered, "ScaledObject")["spec"]["triggers"]
    assert trigger["type"] == "postgresql"
    assert trigger["metadata"]["targetQueryValue"] == "15"


def test_it_connects_as_the_services_do(documents: Documents) -> None:
    external = {"mode": "external", "external": {"existingSecret": "database", "urlKey": "address"}}

    assert connection(documents({**keda(), "postgresql": external})) == {
        "parameter": "connection",
        "name": "database",
        "key": "address",
    }


def test_or_by_a_secret_of_its_own(documents: Documents) -> None:
    found = connection(documents(keda(databaseSecret={"name": "keda-database"})))

    assert (found["name"], found["key"]) == ("keda-database", "url")


def test_the_built_in_database_has_a_name_that_keda_can_resolve(documents: Documents) -> None:
    """It asks from its own namespace."""
    rendered = documents(keda(), "--namespace=reports")

    found = connection(rendered)
    secrets = {one["metadata"]["name"]: one for one in rendered if one["kind"] == "Secret"}
    assert "@waybill-postgresql.reports.svc:5432/" in secrets[found["name"]]["stringData"][found["key"]]


@pytest.mark.parametrize("enabled", [True, False])
def test_and_lets_it_in(documents: Documents, enabled: bool) -> None:
    rendered = documents({**keda(enabled=enabled), "networkPolicy": {"enabled": True}})

    policies = {one["metadata"]["name"]: one for one in rendered if one["kind"] == "NetworkPolicy"}
    (rule,) = policies["waybill-postgresql"]["spec"]["ingress"]
    operator = {
        "namespaceSelector": {},
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": "keda-operator"}},
    }
    assert (operator in rule["from"]) is enabled
