"""The JSON Schema of every message, one file for each version, for readers in other languages."""

import json
from importlib.resources import files

from pydantic import BaseModel

from waybill.messages.command import Command
from waybill.messages.dead_letter import DeadLetter
from waybill.messages.status_event import StatusEvent

SCHEMAS: dict[str, type[BaseModel]] = {
    "command.v1.json": Command,
    "status-event.v1.json": StatusEvent,
    "dead-letter.v1.json": DeadLetter,
}
"""The file of each message's present version."""


def schema_text(name: str) -> str:
    """What the file `name` of this folder must say, from the model."""
    return json.dumps(SCHEMAS[name].model_json_schema(), indent=2, sort_keys=True) + "\n"


def stored_schema(name: str) -> str:
    """What the file `name` says."""
    return files(__name__).joinpath(name).read_text()
