"""How a browser signs in at an issuer: OpenID Connect's authorization code flow, with PKCE."""

import hashlib
import hmac
import re
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import quote_plus

import httpx
import structlog

from producer_api.access.claims import ClaimError, ClaimsPolicy
from producer_api.access.issuer_http import IssuerError, IssuerHttp
from producer_api.access.issuers import Endpoints
from producer_api.access.oidc import ID_TOKEN_TYPES, TokenError, TokenVerifier
from producer_api.access.session import Session
from producer_api.problems import Problem

log = structlog.get_logger(__name__)

ATTEMPT_SECONDS = 600
"""In which one may sign in at the issuer."""
_ERROR_CODE = re.compile(r"[a-z_]{1,60}")


@dataclass(frozen=True)
class SignInPolicy:
    """As what this service is known to the issuers. `client_secret`: empty for a public client."""

    client_id: str
    client_secret: str = field(default="", repr=False)
    scopes: str = "openid profile email"


@dataclass(frozen=True)
class Attempt:
    """What a browser keeps between its two requests here. Others must not know it."""

    issuer: str
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    then: str
    """Where the browser goes at last."""
    began: int

    @classmethod
    def read(cls, content: Any) -> "Attempt | None":
        """Of what `asdict` has made, perhaps in another version."""
        try:
            return cls(**content)
        except TypeError:
            return None

    @property
    def challenge(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return urlsafe_b64encode(digest).rstrip(b"=").decode()


class SignIn:
    """The two halves of signing in, with the user at the issuer in between. Threads may share one."""

    def __init__(
        self,
        policy: SignInPolicy,
        claims: ClaimsPolicy,
        tokens: TokenVerifier,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._policy = policy
        self._claims = claims
        self._tokens = tokens
        self._clock = clock

    def begin(self, issuer: str | None, redirect_uri: str, then: str) -> tuple[str, Attempt]:
        """The address at the issuer to which the browser goes now. `issuer`: the first one if None. Raises
        `Problem`, and `IssuerError`."""
        issuer = issuer if issuer is not None else next(iter(self._tokens.issuers))
        if issuer not in self._tokens.issuers:
            raise Problem("wrong-request", "issuer: is none of those at which one signs in here.")
        endpoint = self._endpoints(issuer).authorization
        if endpoint is None:
            raise _failed("its issuer has no address for it (authorization_endpoint), or one without https")
        attempt = Attempt(
            issuer,
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            then=then,
            began=int(self._clock()),
        )
        query = {
            "response_type": "code",
            "client_id": self._policy.client_id,
            "redirect_uri": redirect_uri,
            "scope": self._policy.scopes,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
        }
        return str(httpx.URL(endpoint).copy_merge_params(query)), attempt

    def check_state(self, attempt: Attempt | None, state: str) -> Attempt:
        """Raises `Problem` where that is not what this browser has begun, or too long ago."""
        if attempt is None or attempt.issuer not in self._tokens.issuers:
            raise _failed("this browser has not begun one, or has no cookie of it any more")
        if not hmac.compare_digest(attempt.state.encode(), state.encode(errors="replace")):
            raise _failed("the answer is to another attempt (state), as after signing in twice at once")
        if self._clock() >= attempt.began + ATTEMPT_SECONDS:
            raise _failed(f"it took more than {ATTEMPT_SECONDS // 60} minutes")
        return attempt

    def complete(self, attempt: Attempt, answer: Mapping[str, str], redirect_uri: str) -> Session:
        """`answer`: the query with which the issuer sends the browser back; its state was checked. Raises
        `Problem`, and `IssuerError`."""
        endpoints = self._endpoints(attempt.issuer)
        named = answer.get("iss", None if endpoints.names_itself else attempt.issuer)
        if named != attempt.issuer:
            raise _failed("the answer is another issuer's (iss)")
        if "error" in answer:
            raise _failed(f"the issuer refused it ({_code(answer['error'])})")
        if not answer.get("code"):
            raise _failed("the issuer's answer has no code")
        if endpoints.token is None:
            raise _failed("its issuer has no address for tokens (token_endpoint), or one without https")
        token = self._exchange(attempt, answer["code"], redirect_uri, endpoints.token, endpoints)
        try:
            claims = self._tokens.verify(token, [self._policy.client_id], ID_TOKEN_TYPES)
            self._check_id_token(claims, attempt)
            owner, roles = self._claims.owner_of(claims), self._claims.roles_of(claims)
        except (TokenError, ClaimError) as error:
            log.warning("sign-in refused: ID token not accepted", issuer=attempt.issuer, reason=str(error))
            raise _failed(f"the issuer's ID token is not accepted: {error}") from None
        return Session(attempt.issuer, owner, roles)

    def _endpoints(self, issuer: str) -> Endpoints:
        return self._tokens.issuers[issuer].endpoints()

    def _exchange(
        self, attempt: Attempt, code: str, redirect_uri: str, url: str, endpoints: Endpoints
    ) -> str:
        """The ID token for the code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": attempt.verifier,
        }
        name, secret = self._policy.client_id, self._policy.client_secret
        basic = None
        if not secret:
            form["client_id"] = name
        elif "client_secret_basic" in endpoints.authentication:
            basic = quote_plus(name), quote_plus(secret)  # as RFC 6749, 2.3.1 has it
        else:
            form |= {"client_id": name, "client_secret": secret}
        try:
            with IssuerHttp(attempt.issuer) as http:
                status, answer = http.post(url, form, basic)
        except IssuerError as error:
            log.warning("sign-in failed: no token for a code", issuer=attempt.issuer, reason=str(error))
            raise IssuerError("The issuer cannot be reached now. Sign in again.") from None
        token = answer.get("id_token")
        if status == httpx.codes.OK and isinstance(token, str):
            return token
        reason = _code(answer.get("error")) if status != httpx.codes.OK else "no ID token"
        log.warning("sign-in refused: no token for a code", issuer=attempt.issuer, reason=reason)
        raise _failed(f"the issuer does not accept its code, which may be used once and not late ({reason})")

    def _check_id_token(self, claims: Mapping[str, Any], attempt: Attempt) -> None:
        if claims["iss"] != attempt.issuer:
            raise TokenError("it is another issuer's (iss)")
        nonce = claims.get("nonce")
        if not isinstance(nonce, str) or not hmac.compare_digest(
            nonce.encode(errors="replace"), attempt.nonce.encode()
        ):
            raise TokenError("it is for another attempt (nonce)")
        is_for_several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if is_for_several else self._policy.client_id) != self._policy.client_id:
            raise TokenError("it was issued to another client (azp)")


def as_content(attempt: Attempt) -> dict[str, Any]:
    """For `Attempt.read`."""
    return asdict(attempt)


def _code(error: Any) -> str:
    """What an issuer calls an error; nothing else of the address, which a third party may have made."""
    return error if isinstance(error, str) and _ERROR_CODE.fullmatch(error) else "an unknown error"


def _failed(reason: str) -> Problem:
    return Problem("sign-in-failed", f"The sign-in failed: {reason}. Open /login to sign in again.")
