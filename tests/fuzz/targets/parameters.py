"""What clients want a report about."""

import json
from typing import Any

from flask import Flask
from pydantic import ValidationError

from producer_api.exact_json import ExactJSONProvider
from producer_api.published import published_schema
from tests.fuzz.choices import Choices
from tests.fuzz.mutation import json_bytes, mutated_json
from tests.support.all_sorts import ALL_SORTS
from waybill.kinds import Kind, ParametersNotKept
from waybill.kinds.dowork import DOWORK
from waybill.kinds.flights import FLIGHTS

_JSON = ExactJSONProvider(Flask(__name__))
_VALID: tuple[tuple[Kind, dict[str, Any]], ...] = (
    (DOWORK, {"steps": 10, "failing_step": None, "max_step_ms": 200}),
    (FLIGHTS, {"month": 7, "carrier": "B6", "airport": "JFK"}),
    (FLIGHTS, {"first_day": "2013-11-27", "last_day": "2013-12-01"}),
    (
        ALL_SORTS,
        {
            **{"whole": 7, "share": 0.25, "amount": "12.50", "yes": True, "text": "Zoë", "day": "2013-02-28"},
            **{"at": "2013-02-28T12:00:00Z", "level": 2, "word": 7, "either": "x", "maybe": 3},
            **{"pair": [1, "a"], "counts": {"a": 1}, "days": ["2013-01-01"], "inner": [{"size": 1}]},
            **{"anything": [1, {"a": None}], "by_name": {"a": [True]}, "json": {"a": [1.5]}},
        },
    ),
)


def read_parameters(choices: Choices) -> bool:
    """What the API would keep is JSON that the worker reads as the same values, and fits the schema that is
    published."""
    kind, valid = choices.one(_VALID)
    try:
        sent = _JSON.loads(json_bytes(choices, mutated_json(choices, valid)))
    except (ValueError, RecursionError):  # as for the API: no JSON
        return False
    if not isinstance(sent, dict):
        return False
    try:
        model = kind.read_parameters(sent)
        if published_schema(kind).errors(sent):
            return False
        stored = kind.stored_parameters(sent, model)
        text = json.dumps(stored, allow_nan=False)
    except (ValidationError, ParametersNotKept, ValueError):
        return False
    kept = json.loads(text)
    assert kind.read_parameters(kept) == model, "the worker reads other values"
    assert all(isinstance(step, str) for step in kind.steps(model))
    assert not published_schema(kind).errors(kept) or kept != stored or sent != stored
    return True
