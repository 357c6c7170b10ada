"""Who a client is, by the credential of a request."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from flask import Request

from producer_api.problems import Problem
from waybill.domain import Actor, Owner, Role


@dataclass(frozen=True)
class Identity:
    """A client. `credential` says by what it is known; it is no secret, and empty where it is not known."""

    owner: Owner
    roles: frozenset[Role]
    credential: str = ""
    is_valid: Callable[[], bool] = field(default=lambda: True, compare=False)
    """Whether the credential would be accepted now; for streams, which outlast it."""

    @property
    def actor(self) -> Actor | None:
        """For the audit; None for a client that is not known."""
        return Actor(self.owner, self.credential) if self.credential else None


class Authenticator(Protocol):
    """Knows one sort of credential."""

    def identify(self, request: Request) -> Identity | None:
        """None where the request has no such credential. Raises `Problem` where it has a wrong one, and
        `RetryableError` where that cannot be known now."""

    def schemes(self, request: Request) -> Mapping[str, Mapping[str, str]]:
        """What of a request is its credential, as OpenAPI's security schemes, by name: all of them together.

        `request` asks for the description: a cookie's name goes by its address. Empty where it can have none.
        """


def unauthenticated(detail: str, error: str | None = None) -> Problem:
    """`error`: as RFC 6750 has it; None where there was no credential at all."""
    challenge = 'Bearer realm="waybill"' + (f', error="{error}"' if error else "")
    return Problem("unauthenticated", detail, headers={"WWW-Authenticate": challenge})


def bearer(request: Request) -> str | None:
    """The token of the Authorization header."""
    scheme, _, token = request.environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
