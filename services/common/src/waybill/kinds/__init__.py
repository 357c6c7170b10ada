"""What sorts of report there are: their names, parameters and steps.

A kind has two halves. Its definition (here, or in a package of yours) is light and is loaded by every
service; its implementation is named by a string and is imported only in a slot of the report-worker.
"""

from waybill.kinds.definition import (
    Artefact,
    DefinitionText,
    Kind,
    Parameters,
    ParametersNotKept,
    Produce,
    Work,
)
from waybill.kinds.registry import BrokenKind, Registry, UnavailableKind, UnknownKind, load_registry
from waybill.kinds.schema import published

__all__ = [
    "Artefact",
    "BrokenKind",
    "DefinitionText",
    "Kind",
    "Parameters",
    "ParametersNotKept",
    "Produce",
    "Registry",
    "UnavailableKind",
    "UnknownKind",
    "Work",
    "load_registry",
    "published",
]
