"""The client stands alone: its models are those of the API's description and of the event's schema."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

import waybill_client.models as client
from producer_api import resources
from waybill import domain, messages
from waybill.kinds import load_registry
from waybill_client.cli.expected import EXPECTED

SCHEMAS = Path(messages.__file__).parent / "schemas"

PAIRS = [
    (client.Report, resources.ReportResource),
    (client.ArtefactLink, resources.ArtefactResource),
    (client.ReportPage, resources.ReportPage),
    (client.DeadLetter, resources.DeadLetterResource),
    (client.DeadLetterPage, resources.DeadLetterPage),
    (client.KindInfo, resources.KindResource),
    (client.KindList, resources.KindList),
]
"""What the client reads, and what the API answers and describes."""


@pytest.mark.parametrize(("read", "answered"), PAIRS, ids=lambda model: model.__name__)
def test_every_field_that_is_read_is_described(read: type[BaseModel], answered: type[BaseModel]) -> None:
    described = answered.model_json_schema(mode="serialization")["properties"]

    assert set(read.model_fields) <= set(described)


def test_every_field_of_an_event_is_in_its_schema() -> None:
    schema = json.loads((SCHEMAS / "status-event.v1.json").read_text())

    def fields(name: str) -> set[str]:
        return set(schema["$defs"][name]["properties"])

    assert set(client.StatusEvent.model_fields) <= set(schema["properties"])
    assert set(client.Step.model_fields) == fields("StepModel")
    assert set(client.Progress.model_fields) == fields("ProgressModel")
    assert set(client.Failure.model_fields) == fields("FailureModel")
    assert set(client.Artefact.model_fields) == fields("ArtefactModel")


@pytest.mark.parametrize(
    ("read", "sent"),
    [
        (client.Status, domain.Status),
        (client.StepStatus, domain.StepStatus),
        (client.StatusEventType, messages.StatusEventType),
    ],
)
def test_the_values_are_those_that_are_sent(read: Any, sent: Any) -> None:
    assert {one.name: one.value for one in read} == {one.name: one.value for one in sent}


def test_a_report_ends_where_the_domain_ends_it() -> None:
    assert {one.value for one in client.TERMINAL} == {one.value for one in domain.TERMINAL}


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda outcome: outcome.kind)
def test_the_demonstration_expects_the_steps_of_its_kinds(expected: Any) -> None:
    kind = load_registry()[expected.kind]

    assert expected.steps == tuple(kind.steps(kind.parameters.model_validate(expected.parameters)))
