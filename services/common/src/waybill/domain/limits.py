"""How much tenants and owners may have at once."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import StrEnum

from waybill.domain.access import Owner, tenant_named

EACH = ""
"""In the place of a tenant or an owner: each that has no value of its own."""


class Level(StrEnum):
    """Whom a limit is for: all of a tenant together, or one owner."""

    TENANT = "tenant"
    OWNER = "owner"


class LimitName(StrEnum):
    """What is limited, as clients and metrics have it."""

    QUEUED = "queued"
    """Reports that wait: those with the status `init`."""
    RUNNING = "running"
    """Reports that workers have: further ones wait, and no request is refused."""
    REQUESTS = "requests_per_minute"
    STREAMS = "streams"
    """Status streams that are open."""
    KEPT_BYTES = "kept_bytes"
    """Of the artefacts of reports that are kept."""


@dataclass(frozen=True)
class LimitValues:
    """What is set; None for what is not. `weight`: of two tenants, or owners of one, with 2 and 1, the first
    has twice as much under way."""

    weight: int | None = None
    max_queued: int | None = None
    max_running: int | None = None
    max_requests_per_minute: int | None = None
    max_streams: int | None = None
    max_kept_bytes: int | None = None

    @property
    def is_empty(self) -> bool:
        return self == NO_LIMITS

    def __str__(self) -> str:
        """Those that are set, as `weight=2 max_queued=10`."""
        values = ((one.name, getattr(self, one.name)) for one in fields(self))
        return " ".join(f"{name}={value}" for name, value in values if value is not None)


NO_LIMITS = LimitValues()


@dataclass(frozen=True, order=True)
class Holder:
    """Whom limits are set for. `tenant` and `owner` are names, or `EACH`; at the level of tenants there is no
    owner."""

    level: Level
    tenant: str = EACH
    owner: str = EACH

    @classmethod
    def named(cls, level: Level, tenant: str | None, owner: str | None) -> "Holder":
        """From names that come from outside; None for each. Raises ValueError where there can be none."""
        if level is Level.TENANT and owner is not None:
            raise ValueError("owner: a tenant's limits have none")
        if owner is not None and tenant is None:
            raise ValueError("tenant: must be given with an owner, whose name may be another's elsewhere")
        if tenant is not None and owner is not None:
            named = Owner.known(tenant, owner)
            return cls(level, named.tenant, named.name)
        return cls(level, tenant_named(tenant) if tenant is not None else EACH)

    def covers(self, level: Level, owner: Owner) -> bool:
        """Whether its limits may be those of the owner, or of its tenant."""
        return (
            self.level is level and self.tenant in (EACH, owner.tenant) and self.owner in (EACH, owner.name)
        )

    def __str__(self) -> str:
        tenant = self.tenant or "*"
        return tenant if self.level is Level.TENANT else f"{tenant}/{self.owner or '*'}"


@dataclass(frozen=True)
class HolderLimits:
    """A row of `limits`."""

    holder: Holder
    values: LimitValues


def values_for(level: Level, owner: Owner, rows: Iterable[HolderLimits]) -> LimitValues:
    """What holds for an owner, or for its tenant. Value by value, the row that names the most of it wins: for
    ada of acme that of (acme, ada), then that of (acme, each), then that of (each, each)."""
    covering = [row for row in rows if row.holder.covers(level, owner)]
    covering.sort(key=lambda row: (row.holder.tenant, row.holder.owner), reverse=True)
    found = {}
    for one in fields(LimitValues):
        given = (getattr(row.values, one.name) for row in covering)
        found[one.name] = next((value for value in given if value is not None), None)
    return LimitValues(**found)


@dataclass(frozen=True)
class Reached:
    """A limit that leaves no room for a request. `retry_after`: seconds until there may be some."""

    name: LimitName
    level: Level
    max: int
    retry_after: float

    def __str__(self) -> str:
        whose = "your tenant" if self.level is Level.TENANT else "you"
        return _SENTENCES[self.name].format(whose=whose, max=self.max)


_SENTENCES = {
    LimitName.QUEUED: "At most {max} reports may wait of {whose}.",
    LimitName.REQUESTS: "At most {max} reports may be requested in a minute by {whose}.",
    LimitName.STREAMS: "At most {max} status streams may be open of {whose}.",
    LimitName.KEPT_BYTES: "At most {max} bytes of artefacts are kept of {whose}.",
}


@dataclass(frozen=True)
class Usage:
    """What a tenant or an owner has now. `requests`: those of the last minute that still count against a
    limit, 0 where there is none; `kept_bytes` is None where no limit has it counted."""

    queued: int
    running: int
    requests: int
    streams: int
    kept_bytes: int | None
