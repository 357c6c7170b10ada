"""Parameters of a kind that a client keeps under a name."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from waybill.domain.access import Owner


@dataclass(frozen=True)
class ParameterSet:
    """`shared`: all of the owner's tenant may use it; else the owner alone."""

    owner: Owner
    kind: str
    name: str
    parameters: Mapping[str, Any]
    shared: bool
    created_at: datetime
    updated_at: datetime
