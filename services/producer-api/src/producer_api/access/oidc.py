"""Tokens of OpenID Connect issuers, which are JSON Web Tokens; and as bearer tokens, credentials."""

import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from flask import Request
from joserfc import jws
from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError, MissingClaimError
from joserfc.jwt import JWTClaimsRegistry

from producer_api.access.claims import ClaimError, ClaimsPolicy
from producer_api.access.identity import Identity, bearer, unauthenticated
from producer_api.access.issuers import Issuer
from waybill.domain import KEY_PREFIX
from waybill.errors import WaybillError

ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "Ed25519"),
)
"""Those that may be accepted: by an issuer's public key, each of which is for one sort of key only."""

ID_TOKEN_TYPES = frozenset({"jwt"})
_TYPES = ID_TOKEN_TYPES | {"at+jwt"}
"""Other sorts of tokens (typ), such as those for logging out, are not for sending requests."""


@dataclass(frozen=True)
class OidcPolicy:
    """`issuers`: as their tokens name them, to the letter. `audiences`: a token must be for one of them."""

    issuers: tuple[str, ...]
    audiences: tuple[str, ...]
    algorithms: tuple[str, ...] = ("RS256", "ES256")
    claims: ClaimsPolicy = field(default_factory=ClaimsPolicy)
    clock_skew: timedelta = timedelta(seconds=60)


class TokenError(WaybillError):
    """A token is not accepted. The message says what is wrong with "it", and has no part of it."""


class TokenVerifier:
    """Accepts tokens that one of the issuers has signed. Threads may share one."""

    def __init__(
        self, policy: OidcPolicy, clock: Callable[[], float], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.issuers = {issuer: Issuer(issuer, monotonic) for issuer in policy.issuers}
        self._policy = policy
        self._clock = clock
        self._skew = int(policy.clock_skew.total_seconds())
        self._registry = _Registry(algorithms=policy.algorithms, strict_check_header=False)

    def verify(self, token: str, audiences: Sequence[str], types: Collection[str] = _TYPES) -> dict[str, Any]:
        """Its claims. Raises `TokenError`, and `IssuerError` where that cannot be known now."""
        signed, claims = self._read(token, types)
        issuer = claims.get("iss")
        if not isinstance(issuer, str) or issuer not in self.issuers:
            raise TokenError("its issuer is not accepted here")
        self._verify(signed, self.issuers[issuer])
        self._check(claims, audiences)
        return claims

    def is_before(self, expiry: float) -> bool:
        return self._clock() - self._skew < expiry

    def _read(self, token: str, types: Collection[str]) -> tuple[jws.CompactSignature, dict[str, Any]]:
        """With the claims, which are not verified yet."""
        try:
            signed = jws.extract_compact(token.encode(), registry=self._registry)
            header = signed.headers()
            self._registry.check_header(header)
            claims = json.loads(signed.payload)
        # The library expects objects in most places, and raises TypeError where there is something else.
        except (JoseError, ValueError, TypeError, RecursionError):
            raise TokenError("it is no signed JSON Web Token") from None
        if not isinstance(claims, dict):
            raise TokenError("its claims are no JSON object")
        if header["alg"] not in self._policy.algorithms:
            raise TokenError(f"its algorithm is not one of {', '.join(self._policy.algorithms)}")
        if header.get("typ", "JWT").lower().removeprefix("application/") not in types:
            raise TokenError("it is a token of another type (typ)")
        if "crit" in header:
            raise TokenError("it needs extensions (crit) that are not supported")
        return signed, claims

    def _verify(self, signed: jws.CompactSignature, issuer: Issuer) -> None:
        header = signed.headers()
        kid = header.get("kid")
        key = issuer.find_key(kid, header["alg"])
        if key is None:
            raise TokenError(
                "its issuer has no such key (kid) for its algorithm"
                if kid is not None
                else "it does not name the key (kid), and its issuer has not just one for its algorithm"
            )
        try:
            is_right = jws.validate_compact(signed, key, registry=self._registry)
        except (JoseError, ValueError):
            is_right = False
        if not is_right:
            raise TokenError("its signature is wrong")

    def _check(self, claims: dict[str, Any], audiences: Sequence[str]) -> None:
        registry = JWTClaimsRegistry(
            now=int(self._clock()),
            leeway=self._skew,
            exp={"essential": True},
            aud={"essential": True, "values": list(audiences)},
        )
        try:
            registry.validate(claims)
        except MissingClaimError as error:
            raise TokenError(f"it lacks the claim {error.claim!r}") from None
        except ExpiredTokenError:
            raise TokenError("it has expired") from None
        except InvalidClaimError as error:
            raise TokenError(_REASONS.get(error.claim, f"its claim {error.claim!r} is wrong")) from None
        if "cnf" in claims:
            raise TokenError("it is bound to a key of its holder (cnf), which cannot be checked here")


class OidcAuthenticator:
    """Accepts them as bearer tokens."""

    def __init__(
        self,
        policy: OidcPolicy,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.tokens = TokenVerifier(policy, clock, monotonic)
        self._policy = policy

    def schemes(self, _request: Request) -> Mapping[str, Mapping[str, str]]:
        issuers = ", ".join(self._policy.issuers)
        form = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
        return {"oidc": {**form, "description": f"An access token of {issuers}."}}

    def identify(self, request: Request) -> Identity | None:
        token = bearer(request)
        if token is None or token.startswith(KEY_PREFIX):
            return None
        try:
            claims = self.tokens.verify(token, self._policy.audiences)
            owner, roles = self._policy.claims.owner_of(claims), self._policy.claims.roles_of(claims)
        except (TokenError, ClaimError) as error:
            detail = f"The token is not accepted: {error}."
            raise unauthenticated(detail, "invalid_token") from None
        return Identity(owner, roles, f"oidc {claims['iss']}", partial(self.tokens.is_before, claims["exp"]))


_REASONS = {
    "aud": "it is for another audience (aud)",
    "exp": "its time of expiry (exp) is no number",
    "nbf": "it is not valid yet (nbf), or the time is no number",
    "iat": "it was issued in the future (iat), or the time is no number",
}


class _Registry(jws.JWSRegistry):
    max_header_length = 4096
