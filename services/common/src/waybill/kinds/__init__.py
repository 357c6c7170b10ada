"""What sorts of report there are: their names, parameters and steps.

A kind has two halves. Its definition (here, or in a package of yours) is light and is loaded by every
service; its implementation is named by a string and is imported only in a slot of the report-worker.
"""

from waybill.kinds.artefact import MAX_ARTEFACTS, MAX_OUTPUTS, OUTPUT_PATTERN, Artefact, check_together
from waybill.kinds.definition import (
    DefinitionText,
    Kind,
    Parameters,
    ParametersNotKept,
    Produce,
    Step,
    UnknownOutput,
    Work,
    WrongStep,
)
from waybill.kinds.registry import BrokenKind, Registry, UnavailableKind, UnknownKind, load_registry
from waybill.kinds.schema import published

__all__ = [
    "MAX_ARTEFACTS",
    "MAX_OUTPUTS",
    "OUTPUT_PATTERN",
    "Artefact",
    "BrokenKind",
    "DefinitionText",
    "Kind",
    "Parameters",
    "ParametersNotKept",
    "Produce",
    "Registry",
    "Step",
    "UnavailableKind",
    "UnknownKind",
    "UnknownOutput",
    "Work",
    "WrongStep",
    "check_together",
    "load_registry",
    "published",
]
