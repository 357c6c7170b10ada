"""Sessions of browsers: a cookie says who has signed in, for pages and the event stream."""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask import Request, Response

from producer_api.access.cookies import SignedCookie
from producer_api.access.identity import Identity
from producer_api.pages import changes_something, is_of_our_page
from producer_api.problems import Problem
from waybill.domain import Owner, Role

COOKIE = "waybill"
_CREDENTIAL = "session "


@dataclass(frozen=True)
class SessionPolicy:
    """`secrets`: the first signs, the others are accepted. `plain_on_loopback`: whether a browser of this
    machine may have a session without HTTPS."""

    secrets: tuple[str, ...] = field(repr=False)
    lifetime: timedelta = timedelta(hours=8)
    plain_on_loopback: bool = False


@dataclass(frozen=True)
class Session:
    """Who has signed in, and at which issuer."""

    issuer: str
    owner: Owner
    roles: frozenset[Role]


class SessionAuthenticator:
    """Accepts the cookie of a session, where there is no Authorization header. A wrong or expired one is no
    credential. Every process that has the secret accepts it."""

    def __init__(
        self, policy: SessionPolicy, issuers: Collection[str], clock: Callable[[], float] = time.time
    ) -> None:
        """`issuers`: at which one may have signed in."""
        self._policy = policy
        self._issuers = frozenset(issuers)
        self._clock = clock
        self._cookie = SignedCookie(COOKIE, policy.secrets, plain_on_loopback=policy.plain_on_loopback)

    def schemes(self, request: Request) -> Mapping[str, Mapping[str, str]]:
        name = self._cookie.name_for(request)
        if name is None:
            return {}
        description = (
            "Of a browser that has signed in (GET /login). What changes something must come from our page."
        )
        return {"session": {"type": "apiKey", "in": "cookie", "name": name, "description": description}}

    def identify(self, request: Request) -> Identity | None:
        """Raises `Problem` where another site's page may have sent it along."""
        if "HTTP_AUTHORIZATION" in request.environ:
            return None
        content = self._cookie.read(request)
        identity = self._identity(content) if content is not None else None
        if identity is None or not identity.is_valid():
            return None
        if changes_something(request):
            require_our_page(request)
        return identity

    def start(self, request: Request, response: Response, session: Session) -> None:
        now = int(self._clock())
        content = {
            "iss": session.issuer,
            "tenant": session.owner.tenant,
            "owner": session.owner.name,
            "roles": sorted(session.roles),
            "iat": now,
            "exp": now + self._seconds,
        }
        self._cookie.set(request, response, content, self._seconds)

    def end(self, request: Request, response: Response) -> None:
        """Raises `Problem` where another site's page may have asked for it."""
        if self._cookie.is_sent(request):
            require_our_page(request)
            self._cookie.end(request, response)

    @property
    def _seconds(self) -> int:
        return max(1, int(self._policy.lifetime.total_seconds()))

    def _identity(self, content: Any) -> Identity | None:
        """Of what we have signed, perhaps in another version or with other settings."""
        try:
            issuer, tenant, name = content["iss"], content["tenant"], content["owner"]
            if not all(isinstance(text, str) for text in (issuer, tenant, name)):
                return None
            owner = Owner.named(tenant, name)
            roles = frozenset(map(Role, content["roles"]))
            expires = min(int(content["exp"]), int(content["iat"]) + self._seconds)
        except (KeyError, ValueError, TypeError, OverflowError):
            return None
        if issuer not in self._issuers:
            return None
        return Identity(owner, roles, f"{_CREDENTIAL}{issuer}", lambda: self._clock() < expires)


def is_of_session(identity: Identity) -> bool:
    """Whether a browser that has signed in sends the request."""
    return identity.credential.startswith(_CREDENTIAL)


def require_our_page(request: Request) -> None:
    """Browsers send cookies along with what other sites' pages ask for."""
    if not is_of_our_page(request):
        raise Problem(
            "cross-site",
            "With a session, this must come from a page of this service: the request's Sec-Fetch-Site is not "
            "same-origin, nor its Origin this service. Other clients send a token: Authorization: Bearer ….",
        )
