"""What browsers need to sign in."""

from dataclasses import dataclass

from producer_api.access.cookies import SignedCookie
from producer_api.access.session import SessionAuthenticator
from producer_api.access.sign_in import SignIn


@dataclass(frozen=True)
class BrowserAccess:
    """`attempts`: the cookie of a browser that is signing in. `sessions`: of one that has."""

    sign_in: SignIn
    sessions: SessionAuthenticator
    attempts: SignedCookie
