"""The choices of a kind's parameters that come from a query."""

import json
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, Field

from waybill.kinds import Kind, published
from waybill.ledger import ChoiceLists, Ledger

_FROM_QUERY: Final = "x-choices-from-query"
"""In the JSON Schema of such a parameter."""
_ALL = ""


class ChoiceResource(BaseModel):
    """A value that may be chosen."""

    value: int | str
    label: str | None = Field(description="What people see of it, if it is another text.")


class ParameterChoices(BaseModel):
    """Of one parameter."""

    choices: list[ChoiceResource] = Field(description="At most 1,000.")
    more: bool = Field(description="There are others, which may be sent too.")
    error: str | None = Field(description="Why they are not known.")


class KindChoices(BaseModel):
    """By the names of parameters; a request is checked against the sources again when it runs."""

    parameters: dict[str, ParameterChoices]
    read_at: datetime | None = Field(
        description="When a worker has read them; null where none has yet, as within a few seconds after the "
        "first time that they are asked for."
    )


def from_query(kind: Kind) -> list[str]:
    """The parameters whose choices come from a query."""
    properties: dict[str, Any] = published(kind.parameters).get("properties", {})
    return [name for name, schema in properties.items() if schema.get(_FROM_QUERY)]


def choices_of(kind: Kind, ledger: Ledger, lists: ChoiceLists) -> KindChoices:
    """As they are known now; if they are old, a worker reads them soon. Sends no statement for a kind that
    has none. Raises `StoreUnavailable`."""
    names, source = from_query(kind), kind.defined_by
    if not names or source is None:
        return KindChoices(parameters={}, read_at=None)
    ledger.definitions.keep(source.digest, kind.name, source.text)
    stored = lists.want(source.digest)
    content: dict[str, Any] = json.loads(stored.content) if stored.content else {}
    found = {name: _one(content.get(name) or content.get(_ALL)) for name in names}
    return KindChoices(parameters=found, read_at=stored.read_at)


def _one(read: dict[str, Any] | None) -> ParameterChoices:
    if read is None:
        return ParameterChoices(choices=[], more=False, error=None)
    return ParameterChoices.model_validate({"choices": [], "more": False, "error": None, **read})
