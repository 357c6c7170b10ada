"""Every variable is there once, as server-side apply demands; a user's own wins over the chart's."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.manifests import Manifest, environments

Documents = Callable[..., list[Manifest]]
Manifests = Callable[[str], list[Manifest]]

ATTRIBUTES = "OTEL_RESOURCE_ATTRIBUTES"
COMPONENTS = {
    "/migrate": ("migrations",),
    "/topics": ("migrations",),
    "/wait-for-schema": ("migrations",),
    "producer-api/producer-api": ("producerApi",),
    "report-worker/report-worker": ("reportWorker",),
    "collector/collector": ("collector",),
    "waybill/operator": ("collector",),
    "jaeger/jaeger": ("tracing", "jaeger"),
    "jaeger/operator": ("tracing", "jaeger"),
}
"""Where the values of a container are, by the end of its name."""
NUMBERS = {"WAYBILL_SLOTS": "1", "WAYBILL_SLOT_MEMORY_MIB": "512"}


def with_extra(path: tuple[str, ...], variables: list[Manifest]) -> dict[str, Any]:
    values: Any = {"extraEnv": variables}
    for key in reversed(path):
        values = {key: values}
    return dict(values)


def attributes(documents: list[Manifest]) -> dict[str, str]:
    (variables,) = [env for name, env in environments(documents) if name.endswith("/producer-api")]
    (value,) = [variable["value"] for variable in variables if variable["name"] == ATTRIBUTES]
    return dict(pair.split("=", 1) for pair in value.split(","))


def test_no_variable_twice(manifests: Manifests, example: str) -> None:
    for name, variables in environments(manifests(example)):
        assert not [
            variable for variable, count in Counter(v["name"] for v in variables).items() if count > 1
        ], name


def test_every_variable_of_the_chart_can_be_replaced(
    documents: Documents, manifests: Manifests, example: str
) -> None:
    replaced = 0
    for name, variables in environments(manifests(example)):
        path = next((path for end, path in COMPONENTS.items() if name.endswith(end)), None)
        if path is None:
            continue  # PostgreSQL and the test's pod have no extraEnv
        theirs = [
            {"name": variable["name"], "value": NUMBERS.get(variable["name"], "their=own")}
            for variable in variables
        ]
        rendered = dict(environments(documents(with_extra(path, theirs), example=example)))[name]
        assert sorted(variable["name"] for variable in rendered) == sorted(v["name"] for v in theirs)
        for variable in rendered:
            wanted = NUMBERS.get(variable["name"], "their=own")
            assert variable["value"].split(",")[-1] == wanted, variable
            assert variable["name"] == ATTRIBUTES or variable["value"] == wanted
        replaced += len(rendered)
    assert replaced > 20


def test_how_files_come_from_an_object_store_is_set_for_the_api_alone(documents: Documents) -> None:
    names = ("WAYBILL_ARTEFACT_DOWNLOADS", "WAYBILL_ARTEFACT_ADDRESS_SECONDS")
    values = {"artefacts": {"url": "s3://reports", "downloads": "stream", "addressSeconds": 604800}}
    for chosen, wanted in (({}, {}), (values, {"producer-api": ["stream", "604800"]})):
        found = {
            name.rpartition("/")[2]: [one["value"] for one in variables if one["name"] in names]
            for name, variables in environments(documents(chosen))
        }
        assert {name: said for name, said in found.items() if said} == wanted


def test_resource_attributes_are_merged(documents: Documents) -> None:
    ours = attributes(documents({}))
    theirs = "service.namespace=billing, deployment.environment.name=test,"
    merged = attributes(documents(with_extra(("producerApi",), [{"name": ATTRIBUTES, "value": theirs}])))
    assert merged == {**ours, "service.namespace": "billing", "deployment.environment.name": "test"}


def test_resource_attributes_from_elsewhere_are_appended(documents: Documents) -> None:
    source = {"configMapKeyRef": {"name": "telemetry", "key": "attributes"}}
    rendered = documents(with_extra(("producerApi",), [{"name": ATTRIBUTES, "valueFrom": source}]))
    (variables,) = [env for name, env in environments(rendered) if name.endswith("/producer-api")]
    extra, merged = variables[-2:]
    assert extra == {"name": "EXTRA_RESOURCE_ATTRIBUTES", "valueFrom": source}
    assert merged["name"] == ATTRIBUTES
    assert merged["value"].startswith("service.namespace=waybill,")
    assert merged["value"].endswith(",$(EXTRA_RESOURCE_ATTRIBUTES)")


def test_what_a_variable_refers_to_comes_before_it(documents: Documents) -> None:
    """Kubernetes expands $(NAME) only where NAME stands earlier in the list."""
    theirs = [
        {"name": "REGION", "value": "eu"},
        {"name": "WAYBILL_LOG_LEVEL", "value": "$(REGION)"},
        {"name": "POD_NAME", "value": "mine"},
    ]
    rendered = documents(with_extra(("producerApi",), theirs))
    (variables,) = [env for name, env in environments(rendered) if name.endswith("/producer-api")]
    names = [variable["name"] for variable in variables]
    assert names.index("REGION") < names.index("WAYBILL_LOG_LEVEL")
    assert max(names.index("POD_NAME"), names.index("POD_UID")) < names.index(ATTRIBUTES)


@pytest.mark.parametrize("component", ["producerApi", "reportWorker", "collector"])
def test_the_last_of_two_of_a_users_own_counts(documents: Documents, component: str) -> None:
    twice = [{"name": "NEW", "value": "first"}, {"name": "NEW", "value": "second"}]
    found = [
        variable
        for _, variables in environments(documents(with_extra((component,), twice)))
        for variable in variables
        if variable["name"] == "NEW"
    ]
    assert found == [{"name": "NEW", "value": "second"}]
