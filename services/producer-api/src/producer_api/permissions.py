"""What each role may do: the one table, by which every route is guarded."""

from collections.abc import Callable, Iterable, Mapping
from enum import IntEnum, StrEnum
from typing import Any, TypeVar

from waybill.domain import EVERYTHING, Owner, Role, Scope


class Permission(StrEnum):
    """What a route needs."""

    NONE = "none"
    """Open to every client."""
    REQUEST = "request"
    READ = "read"
    CHANGE = "change"
    """Cancel and retry reports."""
    DELETE = "delete"
    """Delete reports that have ended, with their files."""
    READ_DEAD_LETTERS = "read dead letters"
    REDRIVE = "redrive"
    READ_KINDS = "read kinds"
    READ_AUDIT = "read the audit"
    MANAGE_KEYS = "manage keys"
    READ_LIMITS = "read limits"
    MANAGE_LIMITS = "manage limits"
    SHARE = "share"
    """Let all of a tenant use a set of parameters or a view of the list, and remove it."""
    MANAGE_KINDS = "manage kinds"
    """Pause, resume and limit them, for all tenants."""


class Reach(IntEnum):
    """Of whose things a permission is."""

    OWN = 1
    TENANT = 2
    ALL = 3

    def scope(self, owner: Owner) -> Scope:
        """What it is for this owner."""
        match self:
            case Reach.OWN:
                return Scope(owner.tenant, owner.name)
            case Reach.TENANT:
                return Scope(owner.tenant)
            case Reach.ALL:
                return EVERYTHING


_REQUESTER = {
    Permission.REQUEST: Reach.OWN,
    Permission.READ: Reach.OWN,
    Permission.CHANGE: Reach.OWN,
    Permission.DELETE: Reach.OWN,
    Permission.READ_KINDS: Reach.ALL,
}
GRANTS: Mapping[Role, Mapping[Permission, Reach]] = {
    Role.REQUESTER: _REQUESTER,
    Role.OPERATOR: {
        **_REQUESTER,
        Permission.READ: Reach.TENANT,
        Permission.CHANGE: Reach.TENANT,
        Permission.DELETE: Reach.TENANT,
        Permission.READ_DEAD_LETTERS: Reach.TENANT,
        Permission.REDRIVE: Reach.TENANT,
        Permission.SHARE: Reach.TENANT,
        Permission.READ_LIMITS: Reach.TENANT,
    },
    Role.AUDITOR: {
        Permission.READ: Reach.TENANT,
        Permission.READ_DEAD_LETTERS: Reach.TENANT,
        Permission.READ_KINDS: Reach.ALL,
        Permission.READ_AUDIT: Reach.TENANT,
        Permission.READ_LIMITS: Reach.TENANT,
    },
    Role.ADMIN: {permission: Reach.ALL for permission in Permission if permission is not Permission.NONE},
}

FIRST_PRIORITY: Mapping[Role, int] = {Role.REQUESTER: 2, Role.OPERATOR: 1, Role.ADMIN: 1}
"""The lowest that a role may request. It is the place among the owner's own reports alone."""

_ATTRIBUTE = "waybill_permission"
Route = TypeVar("Route", bound=Callable[..., Any])


def requires(permission: Permission) -> Callable[[Route], Route]:
    """Declares what a route needs: the innermost decorator, so that the others carry it along."""

    def declare(route: Route) -> Route:
        setattr(route, _ATTRIBUTE, permission)
        return route

    return declare


def declared(route: Callable[..., Any]) -> Permission | None:
    """What it declares; None where it does not."""
    return getattr(route, _ATTRIBUTE, None)


def reach(roles: Iterable[Role], permission: Permission) -> Reach | None:
    """The widest that one of the roles gives; None where none does."""
    return max((GRANTS[role][permission] for role in roles if permission in GRANTS[role]), default=None)
