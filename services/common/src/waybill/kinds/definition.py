"""The contract between a kind and the report-worker."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import to_jsonable_python

from waybill.errors import PermanentError, WaybillError
from waybill.kinds.artefact import Artefact


class Parameters(BaseModel):
    """Base of every kind's parameters: unknown fields are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ParametersNotKept(WaybillError):  # noqa: N818 - the name is the sentence
    """No stored form of the parameters is read as the same values."""


class UnknownOutput(WaybillError):  # noqa: N818 - the name is the sentence
    """An output that the kind does not offer."""


class Step(Protocol):
    """A step while it runs."""

    @property
    def reused(self) -> bool:
        """Whether an earlier attempt at the report has stored the step's result, so that its work is done."""

    @property
    def result(self) -> Any:
        """What the step has kept, or what is reused: the value as JSON gives it back, or the path of the file
        in this attempt's `directory`. Raises `WrongStep` where there is none yet."""

    def keep(self, result: Any) -> None:
        """What the step leaves, for an attempt after this one too: JSON, as text no longer than 64 KiB, or
        the `Path` of a file in `directory`. Once, in a step with `resume=True` that is not reused.

        The file is stored as it is at the step's end, and must not change after it. Raises `WrongStep`.
        """


class Work(Protocol):
    """One attempt at a report, as its kind sees it."""

    @property
    def report_id(self) -> UUID: ...

    @property
    def attempt(self) -> int:
        """Counts from 1."""

    @property
    def directory(self) -> Path:
        """Scratch directory of this attempt alone; it is removed when the attempt ends."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Which of the kind's outputs are wanted, in the order of the request; without a request, the kind's
        first. Empty for a kind that offers none."""

    def step(
        self, name: str, *, keep_going: bool = False, resume: bool = False
    ) -> AbstractContextManager[Step]:
        """A named part of the work: one span and one entry of the progress that clients see.

        An exception inside fails the step and is recorded on its span. It ends the attempt, unless
        `keep_going`: then the work runs on, and the report fails at the end although its artefact is kept.
        Steps do not nest.

        `resume`: what the step keeps is stored when it ends, before the next one begins; an attempt after a
        crash, a stop of the worker or a retry gets it as `result`, and is to leave out the work. Where an
        exception fails the step, nothing is stored. The name is then that of no other such step of an
        attempt.
        """


class WrongStep(PermanentError):  # noqa: N818 - the name is the sentence
    """A kind uses a step in a way that would be wrong in any attempt."""


Produce = Callable[[Any, Work], Artefact | Sequence[Artefact]]
"""An implementation: `(parameters, work) -> artefact`, with the parameters as the kind's own model. Of
several artefacts, 20 at most, each has a file name of its own; the first is the report's main one.

It may raise `waybill.errors.RetryableError` (try again later) or `PermanentError` (never will); any other
exception counts as retryable.
"""


@dataclass(frozen=True)
class DefinitionText:
    """What a kind that is no code is defined by: a text, and its SHA-256 in hex."""

    digest: str
    text: str


@dataclass(frozen=True)
class Kind:
    """One sort of report.

    `steps` gives the names of the steps that the parameters lead to, in order, so that progress has a total
    before the work begins. `implementation` is the `module:function` of a `Produce`. `fresh_process`: each
    report has a process to itself, as for code that keeps state in its modules; starting one takes little.
    `outputs` are the names of the files that a request may choose from; the first is the default.
    """

    name: str
    title: str
    description: str
    parameters: type[Parameters]
    steps: Callable[[Any], Sequence[str]]
    implementation: str
    timeout: timedelta = field(default=timedelta(minutes=30))
    max_attempts: int = 3
    fresh_process: bool = False
    outputs: tuple[str, ...] = ()

    def wanted_outputs(self, requested: Sequence[str] | None) -> tuple[str, ...]:
        """Those `requested`, else the default. Raises `UnknownOutput`."""
        if not requested:
            return self.outputs[:1]
        for name in requested:
            if name not in self.outputs:
                offered = f"offers {', '.join(self.outputs)}" if self.outputs else "has no outputs"
                raise UnknownOutput(f"The kind {self.name} {offered}, not {name}.")
        return tuple(requested)

    @property
    def is_defined(self) -> bool:
        """Whether a definition makes it, whose text its reports have with them."""
        return self.defined_by is not None

    @property
    def defined_by(self) -> DefinitionText | None:
        """None of a kind that is code."""
        return None

    def step_names(self, parameters: Any, outputs: Sequence[str] = ()) -> Sequence[str]:  # noqa: ARG002
        """The names of the steps that make these files of a report with these parameters."""
        return self.steps(parameters)

    def read_parameters(self, stored: Mapping[str, Any]) -> Parameters:
        """The model of a row's parameters. The API, the worker and the slot all read them by this one rule,
        so that they have the same values. Raises pydantic's `ValidationError`."""
        return self.parameters.model_validate(stored)

    def stored_parameters(self, sent: Mapping[str, Any], model: Parameters | None = None) -> dict[str, Any]:
        """What a row keeps of the parameters that a client sent: JSON that is read as the same values.
        `model` is what they are read as, if that is known already.

        Usually the model's own JSON, which has the defaults; where that is read as other values, as after a
        serializer that shortens them, what was sent. Raises pydantic's `ValidationError` where the parameters
        are wrong, `ParametersNotKept` where not even what was sent is read twice as the same values, and
        `ValueError` where they cannot be JSON.
        """
        model = self.read_parameters(sent) if model is None else model
        for form in _forms(model, sent):
            if self._is_read_as(model, form):
                return form
        raise ParametersNotKept(
            f"These parameters cannot be kept as they are: the kind {self.name} reads what would be stored as"
            f" other values. Send numbers with at most 15 digits; if there are none, the kind's model depends"
            f" on something else than the parameters, or does not compare as equal."
        )

    def _is_read_as(self, model: Parameters, form: Mapping[str, Any]) -> bool:
        try:
            return self.read_parameters(form) == model
        except ValidationError:
            return False

    def load(self) -> Produce:
        """Imports the implementation; only a slot of the report-worker calls this."""
        module, _, function = self.implementation.partition(":")
        return cast(Produce, getattr(import_module(module), function))


def _forms(model: Parameters, sent: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The JSON that a row may keep, the best first. `round_trip` leaves out fields that are computed."""
    own: dict[str, Any] = model.model_dump(mode="json", by_alias=True, round_trip=True)
    yield own
    as_sent: dict[str, Any] = to_jsonable_python(sent)
    defaults = model.model_dump(
        mode="json", by_alias=True, round_trip=True, exclude=set(model.model_fields_set)
    )
    yield defaults | as_sent
    yield as_sent
