"""A filter of the list of reports that a client keeps under a name."""

from collections.abc import Mapping
from dataclasses import dataclass

from waybill.domain.access import Owner


@dataclass(frozen=True)
class SavedView:
    """`fields`: of the address of the list's page, as texts. `shared`: all of the owner's tenant may use it;
    else the owner alone."""

    owner: Owner
    name: str
    fields: Mapping[str, str]
    shared: bool
