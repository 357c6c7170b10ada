"""Bearer tokens of OpenID Connect issuers as credentials: JSON Web Tokens."""

import json
import time
from collections.abc import Callable
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
from producer_api.access.issuers import IssuerKeys
from producer_api.problems import Problem
from waybill.domain import KEY_PREFIX

ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "Ed25519"),
)
"""Those that may be accepted: by an issuer's public key, each of which is for one sort of key only."""

_TYPES = ("jwt", "at+jwt")
"""Other sorts of tokens (typ), such as those for logging out, are not for sending requests."""


@dataclass(frozen=True)
class OidcPolicy:
    """`issuers`: as their tokens name them, to the letter. `audiences`: a token must be for one of them."""

    issuers: tuple[str, ...]
    audiences: tuple[str, ...]
    algorithms: tuple[str, ...] = ("RS256", "ES256")
    claims: ClaimsPolicy = field(default_factory=ClaimsPolicy)
    clock_skew: timedelta = timedelta(seconds=60)


class OidcAuthenticator:
    """Accepts tokens that one of the issuers has signed. Threads may share one."""

    def __init__(
        self,
        policy: OidcPolicy,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._skew = int(policy.clock_skew.total_seconds())
        self._registry = _Registry(algorithms=policy.algorithms, strict_check_header=False)
        self._keys = {issuer: IssuerKeys(issuer, monotonic) for issuer in policy.issuers}

    def identify(self, request: Request) -> Identity | None:
        token = bearer(request)
        if token is None or token.startswith(KEY_PREFIX):
            return None
        signed, claims = self._read(token)
        issuer = claims.get("iss")
        if not isinstance(issuer, str) or issuer not in self._keys:
            raise _wrong("its issuer is not accepted here")
        self._verify(signed, self._keys[issuer])
        self._check(claims)
        try:
            owner, roles = self._policy.claims.owner_of(claims), self._policy.claims.roles_of(claims)
        except ClaimError as error:
            raise _wrong(str(error)) from None
        return Identity(owner, roles, f"oidc {issuer}", partial(self._is_before, claims["exp"]))

    def _read(self, token: str) -> tuple[jws.CompactSignature, dict[str, Any]]:
        """With the claims, which are not verified yet."""
        try:
            signed = jws.extract_compact(token.encode(), registry=self._registry)
            header = signed.headers()
            self._registry.check_header(header)
            claims = json.loads(signed.payload)
        # The library expects objects in most places, and raises TypeError where there is something else.
        except (JoseError, ValueError, TypeError, RecursionError):
            raise _wrong("it is no signed JSON Web Token") from None
        if not isinstance(claims, dict):
            raise _wrong("its claims are no JSON object")
        if header["alg"] not in self._policy.algorithms:
            raise _wrong(f"its algorithm is not one of {', '.join(self._policy.algorithms)}")
        if header.get("typ", "JWT").lower().removeprefix("application/") not in _TYPES:
            raise _wrong("it is a token of another type (typ)")
        if "crit" in header:
            raise _wrong("it needs extensions (crit) that are not supported")
        return signed, claims

    def _verify(self, signed: jws.CompactSignature, keys: IssuerKeys) -> None:
        header = signed.headers()
        kid = header.get("kid")
        key = keys.find(kid, header["alg"])
        if key is None:
            raise _wrong(
                "its issuer has no such key (kid) for its algorithm"
                if kid is not None
                else "it does not name the key (kid), and its issuer has not just one for its algorithm"
            )
        try:
            is_right = jws.validate_compact(signed, key, registry=self._registry)
        except (JoseError, ValueError):
            is_right = False
        if not is_right:
            raise _wrong("its signature is wrong")

    def _check(self, claims: dict[str, Any]) -> None:
        registry = JWTClaimsRegistry(
            now=int(self._clock()),
            leeway=self._skew,
            exp={"essential": True},
            aud={"essential": True, "values": list(self._policy.audiences)},
        )
        try:
            registry.validate(claims)
        except MissingClaimError as error:
            raise _wrong(f"it lacks the claim {error.claim!r}") from None
        except ExpiredTokenError:
            raise _wrong("it has expired") from None
        except InvalidClaimError as error:
            raise _wrong(_REASONS.get(error.claim, f"its claim {error.claim!r} is wrong")) from None
        if "cnf" in claims:
            raise _wrong("it is bound to a key of its holder (cnf), which cannot be checked here")

    def _is_before(self, expiry: float) -> bool:
        return self._clock() - self._skew < expiry


_REASONS = {
    "aud": "it is for another audience (aud)",
    "exp": "its time of expiry (exp) is no number",
    "nbf": "it is not valid yet (nbf), or the time is no number",
    "iat": "it was issued in the future (iat), or the time is no number",
}


class _Registry(jws.JWSRegistry):
    max_header_length = 4096


def _wrong(reason: str) -> Problem:
    return unauthenticated(f"The token is not accepted: {reason}.", "invalid_token")
