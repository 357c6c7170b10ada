"""The client stands alone: its models are those of the API's description and of the event's schema."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from pydantic import BaseModel

import waybill_client.models as client
from producer_api import operation_resources, parameter_sets, resources, waterfall
from producer_api.app import create_app
from producer_api.policies import HostPolicy, ProxyPolicy
from producer_api.services import Services
from waybill import domain, messages
from waybill.kinds import load_registry
from waybill_client.cli.expected import EXPECTED

SCHEMAS = Path(messages.__file__).parent / "schemas"

PAIRS = [
    (client.Report, resources.ReportResource),
    (client.ArtefactLink, resources.ArtefactResource),
    (client.ShownReport, resources.ShownReport),
    (client.Estimate, resources.EstimateResource),
    (client.Operation, operation_resources.OperationResource),
    (client.OperationCount, operation_resources.OperationCount),
    (client.OperationReason, operation_resources.ReasonResource),
    (client.ReportPage, resources.ReportPage),
    (client.DeadLetter, resources.DeadLetterResource),
    (client.DeadLetterPage, resources.DeadLetterPage),
    (client.ApiKey, resources.KeyResource),
    (client.NewApiKey, resources.NewKeyResource),
    (client.ApiKeyList, resources.KeyList),
    (client.Limits, resources.LimitsResource),
    (client.LimitsList, resources.LimitsList),
    (client.Usage, resources.UsageResource),
    (client.AuditEntry, resources.AuditResource),
    (client.AuditPage, resources.AuditPage),
    (client.KindInfo, resources.KindResource),
    (client.KindList, resources.KindList),
    (client.ParameterSet, parameter_sets.ParameterSetResource),
    (client.ParameterSetList, parameter_sets.ParameterSetList),
    (client.Waterfall, waterfall.TraceResource),
    (client.ReportSpan, waterfall.SpanResource),
]
"""What the client reads, and what the API answers and describes."""


@pytest.mark.parametrize(("read", "answered"), PAIRS, ids=lambda model: model.__name__)
def test_every_field_that_is_read_is_described(read: type[BaseModel], answered: type[BaseModel]) -> None:
    described = answered.model_json_schema(mode="serialization")["properties"]

    assert set(read.model_fields) <= set(described)


DESCRIBED: dict[str, type[BaseModel]] = {
    "ReportResource": client.Report,
    "ShownReport": client.ShownReport,
    "OperationResource": client.Operation,
    "ReportPage": client.ReportPage,
    "ParameterSetResource": client.ParameterSet,
    "ParameterSetList": client.ParameterSetList,
    "TraceResource": client.Waterfall,
    "DeadLetterPage": client.DeadLetterPage,
    "Redriven": client.Redriven,
    "KeyList": client.ApiKeyList,
    "NewKeyResource": client.NewApiKey,
    "LimitsList": client.LimitsList,
    "LimitsResource": client.Limits,
    "UsageResource": client.Usage,
    "AuditPage": client.AuditPage,
    "KindList": client.KindList,
}
"""Every body of the OpenAPI description that the client reads, by the name of its schema there."""


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    """The schemas of `GET /api/v1/openapi.json`, which no part of the services is needed for."""
    parts: dict[str, Any] = {part.name: Mock() for part in fields(Services)}
    policies = {"max_body_bytes": 1, "hosts": HostPolicy(), "proxies": ProxyPolicy(), "authenticators": ()}
    answer = create_app(Services(**parts | policies)).test_client().get("/api/v1/openapi.json")
    schemas: dict[str, Any] = answer.get_json()["components"]["schemas"]
    return schemas


Schema = Mapping[str, Any]


def differences(path: str, read: Schema, sent: Schema, own: Schema, theirs: Schema) -> Iterator[str]:
    """What the schema `read` needs and the schema `sent` does not give, at any depth.

    `own` and `theirs` hold the definitions that each refers to. A field that is not read does not count.
    """
    read, sent = (
        definitions[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
        for schema, definitions in ((read, own), (sent, theirs))
    )
    if read.get("type") == "object" and "properties" in read:
        for name in sorted(set(read["properties"]) - set(sent.get("properties", ()))):
            yield f"{path}.{name} is not described"
        for name in sorted(set(read.get("required", ())) - set(sent.get("required", ()))):
            yield f"{path}.{name} may be absent"
        for name in sorted(set(read["properties"]) & set(sent.get("properties", ()))):
            yield from differences(
                f"{path}.{name}", read["properties"][name], sent["properties"][name], own, theirs
            )
    elif read.get("type") == sent.get("type") == "array":
        yield from differences(f"{path}[]", read["items"], sent["items"], own, theirs)
    elif "anyOf" in read and len(read["anyOf"]) == len(sent.get("anyOf", ())):
        for part, other in zip(read["anyOf"], sent["anyOf"], strict=True):
            yield from differences(path, part, other, own, theirs)
    else:
        # what is read as any text may be one of a few
        facts = ("type", "format", "anyOf", *(["enum"] if "enum" in read else []))
        mine, other = ([schema.get(fact) for fact in facts] for schema in (read, sent))
        if mine != other:
            yield f"{path} is {other} and is read as {mine}"


@pytest.mark.parametrize("name", DESCRIBED)
def test_a_body_is_read_as_the_openapi_description_has_it(name: str, described: dict[str, Any]) -> None:
    read = DESCRIBED[name].model_json_schema()

    assert list(differences(name, read, described[name], read.get("$defs", {}), described)) == []


def test_an_event_is_read_as_its_schema_has_it() -> None:
    schema = json.loads((SCHEMAS / "status-event.v1.json").read_text())
    read = client.StatusEvent.model_json_schema()

    assert list(differences("StatusEvent", read, schema, read["$defs"], schema["$defs"])) == []


def test_every_field_of_an_event_is_in_its_schema() -> None:
    schema = json.loads((SCHEMAS / "status-event.v1.json").read_text())

    def fields_of(name: str) -> set[str]:
        return set(schema["$defs"][name]["properties"])

    assert set(client.StatusEvent.model_fields) <= set(schema["properties"])
    assert set(client.Step.model_fields) == fields_of("StepModel")
    assert set(client.Progress.model_fields) == fields_of("ProgressModel")
    assert set(client.Failure.model_fields) == fields_of("FailureModel")
    assert set(client.Artefact.model_fields) == fields_of("ArtefactModel")


@pytest.mark.parametrize(
    ("read", "sent"),
    [
        (client.Status, domain.Status),
        (client.StepStatus, domain.StepStatus),
        (client.StatusEventType, messages.StatusEventType),
        (client.Role, domain.Role),
        (client.Action, domain.Action),
    ],
)
def test_the_values_are_those_that_are_sent(read: Any, sent: Any) -> None:
    assert {one.name: one.value for one in read} == {one.name: one.value for one in sent}


def test_a_report_of_a_server_without_owners_is_that_of_the_unknown_one() -> None:
    assert (client.DEFAULT_TENANT, client.ANONYMOUS) == (domain.DEFAULT_TENANT, domain.ANONYMOUS)


def test_a_report_ends_where_the_domain_ends_it() -> None:
    assert {one.value for one in client.TERMINAL} == {one.value for one in domain.TERMINAL}


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda outcome: outcome.kind)
def test_the_demonstration_expects_the_steps_of_its_kinds(expected: Any) -> None:
    kind = load_registry()[expected.kind]

    assert expected.steps == tuple(kind.steps(kind.parameters.model_validate(expected.parameters)))
