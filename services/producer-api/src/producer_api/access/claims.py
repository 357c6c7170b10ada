"""The owner and the roles of a token, by its claims."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from waybill.domain import DEFAULT_TENANT, Owner, Role
from waybill.errors import WaybillError

Claims = Mapping[str, Any]


class ClaimError(WaybillError):
    """A claim is missing or of no use. The message is for the client, and names the claim, not its value."""


@dataclass(frozen=True)
class ClaimsPolicy:
    """Which claims are read, each by its name, or by a path with dots into nested ones.

    `owner`: required. `tenant`: required where it is given; where it is empty, all belong to the default
    tenant. `roles`: a list, or text with spaces. `mapping`: what their roles are here; the others give no
    right. `default_roles`: of those who have none by that.
    """

    owner: str = "sub"
    tenant: str = ""
    roles: str = "roles"
    mapping: Mapping[str, frozenset[Role]] = field(default_factory=dict)
    default_roles: frozenset[Role] = frozenset({Role.REQUESTER})

    def owner_of(self, claims: Claims) -> Owner:
        """Raises `ClaimError`."""
        tenant = _text(claims, self.tenant) if self.tenant else DEFAULT_TENANT
        name = _text(claims, self.owner)
        try:
            return Owner.named(tenant, name)
        except ValueError:  # its message repeats the value
            read = f"{self.owner!r} or {self.tenant!r}" if self.tenant else repr(self.owner)
            raise ClaimError(
                f"its claim {read} cannot be a name here: that of an owner is 1 to 200 printable characters, "
                "that of a tenant 1 to 63 of a-z, 0-9, '.', '_' and '-'"
            ) from None

    def roles_of(self, claims: Claims) -> frozenset[Role]:
        """Raises `ClaimError`."""
        theirs = _texts(claims, self.roles)
        return frozenset().union(*(self.mapping.get(one, ()) for one in theirs)) or self.default_roles


def _find(claims: Claims, path: str) -> Any:
    """None where it is not there. A name may itself have dots: `https://example.com/roles`."""
    if path in claims:
        return claims[path]
    value: Any = claims
    for name in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def _text(claims: Claims, path: str) -> str:
    value = _find(claims, path)
    if value is None:
        raise ClaimError(f"it lacks the claim {path!r}")
    if not isinstance(value, str):
        raise ClaimError(f"its claim {path!r} is not text")
    return value


def _texts(claims: Claims, path: str) -> list[str]:
    value = _find(claims, path)
    if value is None:
        return []
    if isinstance(value, str):
        return [value, *value.split()]
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return value
    raise ClaimError(f"its claim {path!r} is neither text nor a list of texts")
