"""Messages that were written once are read for ever; the schema files say what the models do."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from waybill.messages import SCHEMAS, schema_text
from waybill.messages.schemas import stored_schema

SAMPLES = Path(__file__).parent / "samples"


def schema_name(sample: Path) -> str:
    """`dead-letter.v1.report.json` is a sample of `dead-letter.v1.json`."""
    message, version = sample.name.split(".")[:2]
    return f"{message}.{version}.json"


@pytest.fixture(params=sorted(SAMPLES.glob("*.json")), ids=lambda path: path.name)
def sample(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_a_sample_reads_as_its_message(sample: Path) -> None:
    model: type[BaseModel] = SCHEMAS[schema_name(sample)]

    message = model.model_validate_json(sample.read_text())

    written = json.loads(message.model_dump_json())
    assert written == {**written, **json.loads(sample.read_text())}


def test_a_sample_is_as_its_schema_says(sample: Path) -> None:
    schema = json.loads(stored_schema(schema_name(sample)))

    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(
        json.loads(sample.read_text())
    )


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_file_equals_its_model(name: str) -> None:
    assert stored_schema(name) == schema_text(name), "write it anew with waybill.messages.schema_text"


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_message_has_a_sample(name: str) -> None:
    assert [path for path in SAMPLES.glob("*.json") if schema_name(path) == name]
