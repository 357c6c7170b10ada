"""Under which address the service is called: behind proxies, and below a path prefix."""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from flask import Request, request
from werkzeug.middleware.proxy_fix import ProxyFix

from producer_api.policies import ProxyPolicy, is_path_prefix

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

FROM_TRUSTED_PROXY = "waybill.from_trusted_proxy"
"""In the environ of a request that a trusted proxy has sent."""

_SCHEMES = ("http", "https")

_FORWARDING = (
    *("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT"),
    *("HTTP_X_FORWARDED_PREFIX", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_SSL", "HTTP_X_REAL_IP"),
)


class Addressing:
    """WSGI middleware. Drops forwarding headers that come from no trusted proxy, applies those that do, and
    takes the prefix off the path.

    The prefix counts whether a proxy has removed it from the path or passes it on.
    """

    def __init__(
        self, application: "WSGIApplication", policy: ProxyPolicy, first_segments: Collection[str]
    ) -> None:
        """`first_segments`: of the application's own addresses."""
        self._policy = policy
        self._first_segments = first_segments
        self._application = application
        self._behind_proxy = ProxyFix(self._prefixed, x_for=1, x_proto=1, x_host=1, x_port=0, x_prefix=0)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if self._policy.trusts(environ.get("REMOTE_ADDR", "")):
            environ[FROM_TRUSTED_PROXY] = True
            self._keep_scheme(environ)
            return self._behind_proxy(environ, start_response)
        for name in _FORWARDING:
            environ.pop(name, None)
        return self._prefixed(environ, start_response)

    def _prefixed(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        prefix = self._forwarded_prefix(environ) or self._policy.prefix
        if prefix:
            environ["PATH_INFO"] = self._without(prefix, environ["PATH_INFO"])
            environ["SCRIPT_NAME"] = prefix
        return self._application(environ, start_response)

    def _without(self, prefix: str, path: str) -> str:
        """Addresses here may begin like the prefix, as with `/api`: then a proxy may have removed it."""
        rest = path.removeprefix(prefix)
        if rest == path or (rest and not rest.startswith("/")):
            return path
        is_removed = self._is_ours(path) and not self._is_ours(rest)
        return path if is_removed else rest or "/"

    def _is_ours(self, path: str) -> bool:
        return path.removeprefix("/").partition("/")[0] in self._first_segments

    @staticmethod
    def _keep_scheme(environ: "WSGIEnvironment") -> None:
        """The nearest proxy's; what is no scheme is left out, since it would become part of links and of
        commands to copy."""
        scheme = environ.pop("HTTP_X_FORWARDED_PROTO", "").rpartition(",")[2].strip().lower()
        if scheme in _SCHEMES:
            environ["HTTP_X_FORWARDED_PROTO"] = scheme

    @staticmethod
    def _forwarded_prefix(environ: "WSGIEnvironment") -> str:
        """The nearest proxy's; what is no path is left out, since it would become part of links."""
        prefix = environ.get("HTTP_X_FORWARDED_PREFIX", "").rpartition(",")[2].strip().rstrip("/")
        return prefix if is_path_prefix(prefix) else ""


def path_of(path: str) -> str:
    """An address of this service as the current request's client knows it."""
    return f"{request.script_root}{path}"


def sent_to(request: Request) -> str:
    """Name and port. Werkzeug's are empty for a name that it dislikes, though browsers send it."""
    return request.host or request.environ.get("HTTP_HOST", "")
