"""Which role of the database each pod connects as, and which roles the migration gives their rights."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.manifests import Manifest, environments, only

Documents = Callable[..., list[Manifest]]
Fails = Callable[..., str]
Manifests = Callable[[str], list[Manifest]]

ROLES: dict[str, Any] = {
    "producerApi": {"role": "an_api", "existingSecret": "for-the-api", "urlKey": "address"},
    "reportWorker": {"role": "a_worker", "existingSecret": "for-the-worker"},
}
EXTERNAL = "--set=postgresql.mode=external"


def external(**roles: Any) -> dict[str, Any]:
    return {"postgresql": {"mode": "external", "external": {"existingSecret": "owner", **roles}}}


def urls(documents: list[Manifest]) -> dict[str, tuple[str, str]]:
    """By the container's name: Secret and key of its URL."""
    found = {}
    for name, variables in environments(documents):
        for variable in variables:
            if variable["name"] == "WAYBILL_DATABASE_URL":
                secret = variable["valueFrom"]["secretKeyRef"]
                found[name.rpartition("/")[2]] = (secret["name"], secret["key"])
    return found


def granted(documents: list[Manifest]) -> dict[str, dict[str, str]]:
    """By the container's name: the variables with roles."""
    found = {
        name.rpartition("/")[2]: {
            variable["name"]: variable["value"]
            for variable in variables
            if variable["name"].startswith("WAYBILL_DATABASE_") and variable["name"].endswith("_ROLE")
        }
        for name, variables in environments(documents)
    }
    return {name: roles for name, roles in found.items() if roles}


def keda(documents: list[Manifest]) -> tuple[str, str]:
    (secret,) = only(documents, "TriggerAuthentication", "report-worker")["spec"]["secretTargetRef"]
    return secret["name"], secret["key"]


def test_one_secret_is_everybodys(documents: Documents) -> None:
    rendered = documents(external())

    assert set(urls(rendered).values()) == {("owner", "url")}
    assert urls(rendered).keys() == {"migrate", "producer-api", "report-worker"}
    assert granted(rendered) == {}


def test_each_service_has_its_own_where_there_is_one(documents: Documents) -> None:
    rendered = documents({**external(**ROLES), "reportWorker": {"keda": {"enabled": True, "maxReplicas": 8}}})

    assert urls(rendered) == {
        "migrate": ("owner", "url"),
        "producer-api": ("for-the-api", "address"),
        "report-worker": ("for-the-worker", "url"),
    }
    assert keda(rendered) == ("for-the-worker", "url")


def test_the_migration_alone_gives_roles_their_rights(documents: Documents) -> None:
    assert granted(documents(external(**ROLES))) == {
        "migrate": {"WAYBILL_DATABASE_API_ROLE": "an_api", "WAYBILL_DATABASE_WORKER_ROLE": "a_worker"}
    }
    one = {"reportWorker": ROLES["reportWorker"]}
    assert granted(documents(external(**one))) == {"migrate": {"WAYBILL_DATABASE_WORKER_ROLE": "a_worker"}}


def test_the_production_example_has_a_role_for_each(manifests: Manifests) -> None:
    rendered = manifests("production")

    assert len(set(urls(rendered).values())) == 3
    assert len(granted(rendered)["migrate"]) == 2


@pytest.mark.parametrize("service", ["producerApi", "reportWorker"])
def test_a_role_without_its_secret_is_refused(fails: Fails, service: str) -> None:
    said = fails(
        EXTERNAL,
        "--set=postgresql.external.existingSecret=owner",
        f"--set=postgresql.external.{service}.role=one",
    )

    assert f"postgresql.external.{service}.role needs postgresql.external.{service}.existingSecret" in said


def test_one_role_for_both_is_refused(fails: Fails) -> None:
    roles = (
        f"--set=postgresql.external.{service}.{name}=one"
        for service in ("producerApi", "reportWorker")
        for name in ("role", "existingSecret")
    )

    assert "must be two roles" in fails(EXTERNAL, "--set=postgresql.external.existingSecret=owner", *roles)
