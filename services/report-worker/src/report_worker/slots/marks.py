"""Marks: what a slot writes into the output of its job, so that the worker knows which step a line is of, and
what was logged.

A mark is a control character, a token that the worker has chosen, JSON without a line feed, and a line feed.
Whatever else has the form of a mark is text of the job: data that it prints can make up no record.
"""

import json
from dataclasses import asdict
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

_STRICT = ConfigDict(strict=True, extra="forbid")
_BEGIN = b"\x1e"
END = b"\n"

MAX_BYTES = 128 * 1024
"""Of a mark, above any that a slot writes."""

Level = Literal["debug", "info", "warning", "error", "critical"]
Name = Annotated[str, Field(max_length=2000)]


@dataclass(frozen=True, config=_STRICT)
class StepMark:
    """What follows is of this step; None: of no step. `number` says which marks of the streams are the same.
    `span`: its trace id and span id, in hex, where it is traced."""

    step: Name | None
    number: Annotated[int, Field(ge=0, lt=2**53)]
    span: tuple[str, str] | None = None
    type: Literal["step"] = "step"


@dataclass(frozen=True, config=_STRICT)
class LogMark:
    """What was logged by Python's `logging`. `at` in seconds since 1970."""

    at: Annotated[float, Field(allow_inf_nan=False)]
    level: Level
    logger: Name
    text: Annotated[str, Field(max_length=MAX_BYTES)]
    type: Literal["log"] = "log"


Mark = StepMark | LogMark
_MARK: TypeAdapter[Mark] = TypeAdapter(Annotated[Mark, Field(discriminator="type")])


def beginning(token: str) -> bytes:
    return _BEGIN + token.encode()


def encoded(token: str, mark: Mark) -> bytes:
    return beginning(token) + json.dumps(asdict(mark)).encode() + END


def decoded(data: bytes) -> Mark | None:
    """`data`: what stands between the beginning of a mark and its end. None if it is none."""
    try:
        return _MARK.validate_json(data)
    except ValidationError:
        return None
