"""Whose reports are whose, and who may do what."""

import re
from dataclasses import dataclass
from enum import StrEnum
from unicodedata import normalize

DEFAULT_TENANT = "default"
"""Of reports that were requested before there were others, and of those that no tenant is known of."""

ANONYMOUS = "anonymous"
"""The owner of reports that were requested without a credential."""

_TENANT = re.compile(r"[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?")
_MAX_OWNER = 200


def tenant_named(name: str) -> str:
    """Raises ValueError where it cannot be a tenant's name."""
    if not _TENANT.fullmatch(name):
        raise ValueError(
            f"{name[:100]!r} is not a tenant: 1 to 63 of a-z, 0-9, '.', '_' and '-', with a letter or a "
            "digit at both ends"
        )
    return name


@dataclass(frozen=True)
class Owner:
    """Who requests reports, and the tenant it belongs to."""

    tenant: str = DEFAULT_TENANT
    name: str = ANONYMOUS

    @classmethod
    def named(cls, tenant: str, name: str) -> "Owner":
        """From names that come from outside. Raises ValueError where one cannot be a name."""
        if name == ANONYMOUS:
            raise ValueError(f"{ANONYMOUS!r} is the owner of what was requested without a credential")
        return cls.known(tenant, name)

    @classmethod
    def known(cls, tenant: str, name: str) -> "Owner":
        """As `named`, but also the owner of what was requested without a credential."""
        tenant_named(tenant)
        if not 1 <= len(name) <= _MAX_OWNER or not name.isprintable():
            raise ValueError(f"{name[:100]!r} is not an owner: 1 to {_MAX_OWNER} printable characters")
        if name != normalize("NFC", name).strip():
            raise ValueError(f"{name[:100]!r} is not an owner: no spaces at its ends, and Unicode's form NFC")
        return cls(tenant, name)


UNKNOWN_OWNER = Owner()


@dataclass(frozen=True)
class Scope:
    """Whose reports are meant: those of one owner, of all owners of a tenant, or all."""

    tenant: str | None = None
    owner: str | None = None

    def covers(self, owner: Owner) -> bool:
        return self.tenant in (None, owner.tenant) and self.owner in (None, owner.name)


EVERYTHING = Scope()


class Role(StrEnum):
    """What a client is allowed; it may have several."""

    REQUESTER = "requester"
    """Requests reports, and sees and cancels those that it has requested."""
    OPERATOR = "operator"
    """As a requester, for all reports of its tenant; and redrives dead letters."""
    AUDITOR = "auditor"
    """Sees what is its tenant's, and who did what there; changes nothing."""
    ADMIN = "admin"
    """Everything, in all tenants; and makes keys."""
