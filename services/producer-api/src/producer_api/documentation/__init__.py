"""The page that explains the API, of its OpenAPI description."""

from producer_api.documentation.reference import (
    Answer,
    Group,
    ObjectShown,
    Operation,
    Parameter,
    Reference,
    reference_of,
)

__all__ = ["Answer", "Group", "ObjectShown", "Operation", "Parameter", "Reference", "reference_of"]
