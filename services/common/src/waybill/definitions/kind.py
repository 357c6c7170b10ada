"""A definition as a kind of report."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from waybill.definitions.checks import CHOICES_STEP, faults
from waybill.definitions.faults import Fault, WrongDefinition
from waybill.definitions.model import ChoiceQuery, Definition
from waybill.definitions.parameters import parameters_model
from waybill.definitions.yaml_text import MAX_BYTES, YamlText
from waybill.kinds import DefinitionText, Kind, Produce

PREFIX = "query:"
"""Of the names of kinds that are definitions."""
IMPLEMENTATION = "report_worker.query:produce"


@dataclass(frozen=True)
class DefinedKind(Kind):
    """A kind that a text defines; two are the same if their `digest` is. Its implementation gets the
    definition as its first argument."""

    definition: Definition = field(kw_only=True)
    source: DefinitionText = field(kw_only=True)

    @property
    def defined_by(self) -> DefinitionText:
        return self.source

    @property
    def digest(self) -> str:
        return self.source.digest

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
        outputs=tuple(output.value for output in definition.outputs),
        definition=definition,
        source=DefinitionText(digest_of(text), text),
    )


def read_file(path: Path, name: str | None = None) -> DefinedKind:
    """The kind that a file defines. Faults have its path, or a `name` for it. Raises `WrongDefinition`, also
    where it cannot be read."""
    name = str(path) if name is None else name
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1).decode()
    except OSError as error:
        reason = f"cannot be read: {error.strerror}."
    except UnicodeDecodeError:
        reason = "is no UTF-8 text."
    else:
        return defined_kind(text, name)
    raise WrongDefinition(name, [Fault(1, 1, reason)])


def definition_schema() -> dict[str, Any]:
    """The JSON Schema of definitions, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Definition.model_json_schema()}


@lru_cache(maxsize=64)
def stored_kind(text: str) -> DefinedKind:
    """Of a text that was accepted. Raises `WrongDefinition` where an earlier version had other rules."""
    return defined_kind(text)
