"""A definition as a kind of report."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from hashlib import sha256
from typing import Any

from waybill.definitions.checks import CHOICES_STEP, faults
from waybill.definitions.faults import WrongDefinition
from waybill.definitions.model import ChoiceQuery, Definition
from waybill.definitions.parameters import parameters_model
from waybill.definitions.yaml_text import YamlText
from waybill.kinds import Kind, Produce

PREFIX = "query:"
"""Of the names of kinds that are definitions."""
IMPLEMENTATION = "report_worker.query:produce"


@dataclass(frozen=True)
class DefinedKind(Kind):
    """A kind that `text` defines; two are the same if their `digest` is. Its implementation gets the
    definition as its first argument."""

    definition: Definition | None = None
    text: str = ""
    digest: str = ""

    def load(self) -> Produce:
        return partial(super().load(), self.definition)

    def step_names(self, parameters: Any, outputs: Sequence[str] = ()) -> Sequence[str]:
        """Its steps, and then one for each file that is written."""
        return (*self.steps(parameters), *outputs)

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DefinedKind) and self.digest == other.digest


def read_definition(text: str, file: str = "definition") -> Definition:
    """`file`: its name, for people. Raises `WrongDefinition` with every fault."""
    document = YamlText(text, file)
    definition = document.read(Definition)
    if found := sorted(set(faults(definition, document))):
        raise document.wrong(found)
    return definition


def digest_of(text: str) -> str:
    """The definition's name for ever: the SHA-256 of its text, in hex."""
    return sha256(text.encode()).hexdigest()


def defined_kind(text: str, file: str = "definition") -> DefinedKind:
    """Raises `WrongDefinition`."""
    definition = read_definition(text, file)
    names = tuple(step.name for step in definition.steps)
    if any(isinstance(one.choices, ChoiceQuery) for one in definition.parameters.values()):
        names = (CHOICES_STEP, *names)
    return DefinedKind(
        name=f"{PREFIX}{definition.name}",
        title=definition.title,
        description=definition.description,
        parameters=parameters_model(definition),
        steps=lambda _: names,
        implementation=IMPLEMENTATION,
        timeout=definition.timeout,
        max_attempts=definition.max_attempts,
        definition=definition,
        text=text,
        digest=digest_of(text),
    )


@lru_cache(maxsize=64)
def stored_kind(text: str) -> DefinedKind:
    """Of a text that was accepted. Raises `WrongDefinition` where an earlier version had other rules."""
    return defined_kind(text)


__all__ = [
    "CHOICES_STEP",
    "PREFIX",
    "DefinedKind",
    "WrongDefinition",
    "defined_kind",
    "digest_of",
    "read_definition",
    "stored_kind",
]
