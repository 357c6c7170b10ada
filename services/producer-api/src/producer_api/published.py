"""Whether parameters fit the JSON Schema that `GET /api/v1/kinds` publishes for their kind."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jsonschema_rs
from pydantic import ValidationError

from producer_api.error_messages import schema_messages
from producer_api.problems import FieldError, field_errors
from waybill.kinds import Kind, published

_PATTERNS = jsonschema_rs.FancyRegexOptions(backtrack_limit=10_000)


class PublishedSchema:
    """pydantic reads more than the schema says: "7" as a number, true as 1, seconds as a date. So what it
    reads must fit the schema too."""

    def __init__(self, kind: Kind) -> None:
        self._parameters = kind.parameters
        self.document = published(kind.parameters)
        self._validator = jsonschema_rs.validator_for(
            self.document, validate_formats=True, formats=_FORMATS, pattern_options=_PATTERNS
        )

    def errors(self, parameters: Mapping[str, Any]) -> list[FieldError]:
        """What does not fit; as pydantic finds it where its strict reading refuses it too."""
        if self._validator.is_valid(parameters):
            return []
        try:
            self._parameters.model_validate_json(json.dumps(parameters, default=float), strict=True)
        except ValidationError as error:
            return field_errors(error, "parameters", given=parameters)
        return [
            FieldError(field=".".join(map(str, ("parameters", *path))), message=message)
            for error in self._validator.iter_errors(parameters)
            for path, message in schema_messages(error)
        ]


@lru_cache(maxsize=2000)
def published_schema(kind: Kind) -> PublishedSchema:
    """Made once for each kind, as it is now."""
    return PublishedSchema(kind)


def _is_no_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return True
    return False


_FORMATS = {"date-time": _is_no_number, "time": _is_no_number}
"""Where a model may take what RFC 3339 does not allow, such as a time without an offset; never seconds."""
