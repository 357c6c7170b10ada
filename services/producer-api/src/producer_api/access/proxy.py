"""Identities that an authenticating proxy sends in headers."""

from dataclasses import dataclass

from flask import Request

from producer_api.access.identity import Identity, unauthenticated
from producer_api.addressing import FROM_TRUSTED_PROXY
from waybill.domain import DEFAULT_TENANT, Owner, Role


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

    def identify(self, request: Request) -> Identity | None:
        name = request.headers.get(self._headers.user)
        if not name or not request.environ.get(FROM_TRUSTED_PROXY):
            return None
        tenant = (self._headers.tenant and request.headers.get(self._headers.tenant)) or DEFAULT_TENANT
        try:
            owner = Owner.named(tenant, name)
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
