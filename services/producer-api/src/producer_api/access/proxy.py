"""Identities that an authenticating proxy sends in headers."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Request

from producer_api.access.identity import Identity, unauthenticated
from producer_api.addressing import FROM_TRUSTED_PROXY
from waybill.domain import DEFAULT_TENANT, Owner, Role

_BY_A_PROXY = "only an authenticating proxy can set it, and replaces what a client sends"


@dataclass(frozen=True)
class ProxyHeaders:
    """The names of the headers. `tenant` and `roles` may be empty: then all belong to the default tenant, and
    are requesters."""

    user: str = "X-Forwarded-User"
    tenant: str = ""
    roles: str = ""


class ProxyAuthenticator:
    """Accepts the headers of trusted proxies alone."""

    def __init__(self, headers: ProxyHeaders) -> None:
        self._headers = headers

    def schemes(self, _request: Request) -> Mapping[str, Mapping[str, str]]:
        def header(name: str, what: str) -> Mapping[str, str]:
            return {"type": "apiKey", "in": "header", "name": name, "description": f"{what}: {_BY_A_PROXY}."}

        user = {"proxy": header(self._headers.user, "The user")}
        tenant = self._headers.tenant
        return {**user, "proxy-tenant": header(tenant, "The user's tenant")} if tenant else user

    def identify(self, request: Request) -> Identity | None:
        if not request.headers.get(self._headers.user) or not request.environ.get(FROM_TRUSTED_PROXY):
            return None
        try:
            tenant = _one(request, self._headers.tenant) if self._headers.tenant else DEFAULT_TENANT
            owner = Owner.named(tenant, _one(request, self._headers.user))
            roles = frozenset(Role(one) for one in self._roles(request))
        except ValueError as error:
            raise unauthenticated(f"The proxy's headers are wrong: {error}.", "invalid_token") from None
        return Identity(owner, roles, "proxy")

    def _roles(self, request: Request) -> list[str]:
        """Those of Waybill's own; what else a proxy calls roles or groups gives no right."""
        if not self._headers.roles:
            return [Role.REQUESTER]
        sent = request.headers.get(self._headers.roles, "").replace(",", " ").split()
        return [one for one in sent if one in tuple(Role)]


def _one(request: Request, header: str) -> str:
    """Its value, in UTF-8. Raises ValueError where there is none, or several: then a proxy may have left a
    client's own beside its own."""
    value = request.headers.get(header, "").encode("latin-1").decode()
    if not value or "," in value:
        raise ValueError(f"{header} must be there once, without a comma")
    return value
