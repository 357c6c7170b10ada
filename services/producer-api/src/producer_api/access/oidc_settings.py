"""Settings of tokens as credentials."""

from datetime import timedelta
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from producer_api.access.claims import ClaimsPolicy
from producer_api.access.issuer_http import is_secure
from producer_api.access.oidc import ALGORITHMS, OidcPolicy
from waybill.domain import Role
from waybill.settings import Settings, items

_NO_ROLES = "none"


class OidcSettings(Settings):
    """Lists have commas. `oidc_roles`: `theirs=ours, …`. `oidc_default_roles`: also `none`."""

    oidc_issuers: str = ""
    oidc_audience: str = ""
    oidc_algorithms: str = "RS256,ES256"
    oidc_owner_claim: str = Field(default="sub", min_length=1)
    oidc_tenant_claim: str = ""
    oidc_roles_claim: str = Field(default="roles", min_length=1)
    oidc_roles: str = ""
    oidc_default_roles: str = Role.REQUESTER.value
    oidc_clock_skew_seconds: int = Field(default=60, ge=0, le=600)

    @field_validator("oidc_issuers")
    @classmethod
    def _are_issuers(cls, text: str) -> str:
        """Does not repeat them: there may be a password in a URL."""
        if not all(map(_is_issuer, items(text))):
            raise ValueError(
                "an issuer is an https URL without user, query and fragment; only that of localhost or a "
                "loopback address may be http"
            )
        return text

    @field_validator("oidc_algorithms")
    @classmethod
    def _are_algorithms(cls, text: str) -> str:
        for algorithm in items(text):
            if algorithm not in ALGORITHMS:
                raise ValueError(f"{algorithm!r} is none of {', '.join(ALGORITHMS)}")
        if not items(text):
            raise ValueError("must name at least one algorithm")
        return text

    @field_validator("oidc_roles")
    @classmethod
    def _is_mapping(cls, text: str) -> str:
        _mapping(text)
        return text

    @field_validator("oidc_default_roles")
    @classmethod
    def _are_roles(cls, text: str) -> str:
        _default_roles(text)
        return text

    @model_validator(mode="after")
    def _owners_are_distinct(self) -> Self:
        """Anybody may be called alice at another issuer: that must not be overlooked."""
        if len(items(self.oidc_issuers)) > 1 and "oidc_owner_claim" not in self.model_fields_set:
            raise PydanticCustomError(
                "oidc_owner_claim",
                "WAYBILL_OIDC_OWNER_CLAIM: with several issuers, name the claim that means the same owner at "
                "each of them; the same 'sub' may be another person's at another issuer",
            )
        return self

    @property
    def oidc(self) -> OidcPolicy:
        return OidcPolicy(
            issuers=tuple(items(self.oidc_issuers)),
            audiences=tuple(items(self.oidc_audience)),
            algorithms=tuple(items(self.oidc_algorithms)),
            claims=ClaimsPolicy(
                owner=self.oidc_owner_claim,
                tenant=self.oidc_tenant_claim,
                roles=self.oidc_roles_claim,
                mapping=_mapping(self.oidc_roles),
                default_roles=_default_roles(self.oidc_default_roles),
            ),
            clock_skew=timedelta(seconds=self.oidc_clock_skew_seconds),
        )


def _is_issuer(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return is_secure(url) and not (parts.query or parts.fragment or "@" in parts.netloc)
    except ValueError:
        return False


def _mapping(text: str) -> dict[str, frozenset[Role]]:
    mapping: dict[str, frozenset[Role]] = {}
    for item in items(text):
        theirs, equals, ours = map(str.strip, item.rpartition("="))
        if not (theirs and equals):
            raise ValueError(f"{item!r} is not their-role=ours")
        mapping[theirs] = mapping.get(theirs, frozenset()) | {_role(ours)}
    return mapping


def _default_roles(text: str) -> frozenset[Role]:
    return frozenset() if text.strip() == _NO_ROLES else frozenset(map(_role, items(text)))


def _role(name: str) -> Role:
    if name not in tuple(Role):
        raise ValueError(f"{name!r} is none of {', '.join(Role)}")
    return Role(name)
