"""Lets a request through to its route, or not."""

from collections.abc import Callable, Sequence
from contextlib import suppress

from apiflask import APIFlask
from flask import Request, Response, g

from producer_api.access.identity import Authenticator, Identity, unauthenticated
from producer_api.permissions import Permission, declared, reach
from producer_api.problems import Problem
from waybill.domain import UNKNOWN_OWNER, Role, Scope
from waybill.errors import RetryableError

_ANYONE = Identity(UNKNOWN_OWNER, frozenset(Role))
"""Any client, where none needs a credential: it may do everything."""
_NO_KEYS = (
    "Where no client needs a credential, none may make one that would outlast that: set WAYBILL_AUTH, and "
    "make the first key with `waybill create-key`."
)
_PRIVATE = "private, no-cache"


def register(app: APIFlask, authenticators: Sequence[Authenticator]) -> Callable[[Request], None]:
    """What is to be called before each request; raises `Problem` where it may not reach its route. Without
    `authenticators`, no client needs a credential."""

    def guard(request: Request) -> None:
        endpoint = request.endpoint
        permission = declared(app.view_functions[endpoint]) if endpoint else Permission.NONE
        if permission is Permission.NONE:
            return
        if permission is None:
            raise AssertionError(f"{endpoint} does not declare which permission it needs")
        if not authenticators and permission is Permission.MANAGE_KEYS:
            raise Problem("not-allowed", _NO_KEYS)
        g.identity = _identify(request, authenticators) if authenticators else _ANYONE
        _scope(g.identity, permission)

    @app.after_request
    def keep_private(response: Response) -> Response:
        if "identity" in g and "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = _PRIVATE
        return response

    return guard


def recognise(request: Request, authenticators: Sequence[Authenticator]) -> None:
    """Lets `current_identity` know the client of a request that reached no route, where that can be known:
    for an error that people read."""
    if "identity" in g:
        return
    with suppress(Problem, RetryableError):
        g.identity = _identify(request, authenticators) if authenticators else _ANYONE


def current_identity() -> Identity:
    """Who sends the current request."""
    return g.identity  # type: ignore[no-any-return]


def permitted_scope(permission: Permission) -> Scope:
    """Of whose things the current request has the permission. Raises `Problem` where it has it for none."""
    return _scope(current_identity(), permission)


def _scope(identity: Identity, permission: Permission) -> Scope:
    found = reach(identity.roles, permission)
    if found is None:
        roles = ", ".join(sorted(identity.roles)) or "none"
        raise Problem("not-allowed", f"None of your roles ({roles}) gives the right to {permission}.")
    return found.scope(identity.owner)


def _identify(request: Request, authenticators: Sequence[Authenticator]) -> Identity:
    for authenticator in authenticators:
        if identity := authenticator.identify(request):
            return identity
    raise unauthenticated("Send a credential, as in Authorization: Bearer ….")
