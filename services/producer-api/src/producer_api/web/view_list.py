"""Saved views of the list of reports: which a client is offered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from producer_api.access import Permission, current_identity, permitted_scope
from waybill.domain import Owner, SavedView
from waybill.ledger import SavedViews

MOST_CHIPS: Final = 5


@dataclass(frozen=True)
class Views:
    """`fields`: what the list shows now, as the address has it. `owner`: who looks at it."""

    usable: Sequence[SavedView]
    fields: Mapping[str, str]
    owner: Owner

    @property
    def current(self) -> SavedView | None:
        """The one that the list shows."""
        return next((one for one in self.usable if one.fields == self.fields), None)

    @property
    def chips(self) -> list[SavedView]:
        """The first of them, and the current one."""
        first = list(self.usable[:MOST_CHIPS])
        return first if self.current is None or self.current in first else [*first, self.current]


def views_of(saved: SavedViews, fields: Mapping[str, str]) -> Views:
    """For the current request's client."""
    return Views(usable_views(saved), fields, current_identity().owner)


def usable_views(saved: SavedViews) -> list[SavedView]:
    """Of the current request's client; without those that others share and that show reports which it may not
    see."""
    owner, seen = current_identity().owner, permitted_scope(Permission.READ).owner
    return [
        one
        for one in saved.usable(owner)
        if one.owner == owner or seen is None or one.fields.get("owner") in (None, seen)
    ]
