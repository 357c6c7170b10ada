"""One HTTP server as the clients use it: what is safe is retried, and what goes wrong is a sentence."""

import json as jsons
import math
import re
import ssl
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import UUID

import httpx
import stamina
from pydantic import BaseModel, ValidationError

from waybill_client.deadline import Deadline
from waybill_client.errors import (
    AccessDeniedError,
    CertificateFileError,
    CredentialError,
    FieldError,
    NotSendableError,
    ProblemError,
    ServerUnreachableError,
    UnexpectedAnswerError,
)

Model = TypeVar("Model", bound=BaseModel)

_BUSY = frozenset({429, 502, 503, 504})
_CONFLICT = 409
_UNKNOWN_CALLER, _DENIED = 401, frozenset({401, 403})
_KEY = "Idempotency-Key"
_IDEMPOTENT = ("GET", "PUT", "DELETE")
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_CONNECT_SECONDS = 10.0
_TOKEN = re.compile(r"[\x21-\x7e]+")

TIMEOUT = 30.0
"""Seconds that a server may take to answer, repeated calls included."""
_MAX_TIMEOUT = 86_400.0
"""A day. The system's waits have ends too, at which they raise."""


@dataclass(frozen=True)
class RetryPolicy:
    """How often a call is repeated while the server does not answer. `timeout`, in seconds, is for one that
    must end sooner than others."""

    attempts: int = 5
    timeout: float = math.inf
    wait_initial: float = 0.1
    wait_max: float = 2.0


IMPATIENT = RetryPolicy()
"""For a person who waits: a server that is away is reported within two seconds."""


class Bearer(httpx.Auth):
    """Sends a token with every request. Raises `CredentialError` for one that HTTP cannot carry."""

    def __init__(self, token: str) -> None:
        if not _TOKEN.fullmatch(token):
            raise CredentialError(
                "The token cannot be sent: a token is one word of visible ASCII characters."
            )
        self._header = f"Bearer {token}"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = self._header
        yield request


class Server:
    """A base address and how to talk to it. Threads may share one.

    A GET, PUT or DELETE, and a POST with an Idempotency-Key, is retried on any failure of the connection and
    while the server says that it is busy, or that a limit leaves no room; anything else only when it surely
    was not sent. Each call ends within `timeout` seconds, a day at most, however the server behaves. Every
    method raises `NotSendableError`, `ServerUnreachableError`, `ProblemError` or `UnexpectedAnswerError`.
    """

    def __init__(
        self,
        name: str,
        url: str,
        retry: RetryPolicy,
        timeout: float = TIMEOUT,
        token: str | None = None,
        ca_file: Path | None = None,
        *,
        also_public: bool = False,
    ) -> None:
        """`token` goes to this server alone. Raises `CredentialError` where it cannot. `ca_file`: the
        authorities of which one must have certified the server, as PEM, in place of the public ones, or,
        with `also_public`, beside them. Raises `CertificateFileError`."""
        self.name = name
        self.url, password = _without_credentials(url.rstrip("/"))
        if password and token is not None:
            raise CredentialError(
                f"The address of {name} has a user in it, and there is a token too: HTTP carries only one of "
                "them."
            )
        self._retry = retry
        self._timeout = timeout = min(timeout, _MAX_TIMEOUT)
        self._ca_file = ca_file
        self._http = httpx.Client(
            timeout=httpx.Timeout(timeout, connect=min(timeout, _CONNECT_SECONDS)),
            auth=password if token is None else Bearer(token),
            headers={"User-Agent": "waybill"},
            verify=True if ca_file is None else _trusting(ca_file, also_public=also_public),
            follow_redirects=False,  # a credential is for the server that it was given for
            # a proxy cannot reach what listens on this machine's loopback
            trust_env=not _is_loopback(self.url),
        )

    def elsewhere(self, name: str, url: str) -> "Server":
        """Another one, to which this one sends its clients: it gets no credential. The caller closes it."""
        return Server(name, url, self._retry, self._timeout, ca_file=self._ca_file, also_public=True)

    def close(self) -> None:
        self._http.close()

    def get(
        self, path: str, params: Mapping[str, Any] | None = None, retry: RetryPolicy | None = None
    ) -> Any:
        """The JSON at `path`; parameters that are None are left out."""
        deadline = self.deadline(retry)
        return self._json(self.open("GET", path, params=params, retry=retry, deadline=deadline), deadline)

    def post(self, path: str, body: Any = None, key: str | None = None) -> Any:
        """The JSON that answers `body`; `key` makes it one request, however often it is sent."""
        headers = {} if key is None else {_KEY: key}
        deadline = self.deadline()
        return self._json(self.open("POST", path, json=body, headers=headers, deadline=deadline), deadline)

    def put(self, path: str, body: Any) -> Any:
        """The JSON that answers `body`."""
        deadline = self.deadline()
        return self._json(self.open("PUT", path, json=body, deadline=deadline), deadline)

    def delete(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """The JSON that answers; parameters that are None are left out."""
        deadline = self.deadline()
        return self._json(self.open("DELETE", path, params=params, deadline=deadline), deadline)

    def text(self, response: httpx.Response, deadline: Deadline) -> str:
        """The body of an open response, whatever its type."""
        return b"".join(self._within(deadline, deadline.chunks(response))).decode(errors="replace")

    def deadline(self, retry: RetryPolicy | None = None) -> Deadline:
        """Of a call that begins now."""
        return Deadline.after(min(self._timeout, (retry or self._retry).timeout))

    def open(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        retry: RetryPolicy | None = None,
        deadline: Deadline | None = None,
        redirects: bool = False,
    ) -> httpx.Response:
        """A successful response with its body still to be read; with `redirects`, one that leads elsewhere,
        too. The caller closes it."""
        policy = retry or self._retry
        limit = deadline or self.deadline(retry)
        longest_wait = min(policy.wait_max, limit.seconds / 10)
        try:
            request = self._http.build_request(
                method,
                self.url + path,
                # without any, the query of the path stays as it is
                params={name: value for name, value in (params or {}).items() if value is not None} or None,
                json=json,
                headers=dict(headers or {}),
            )
            caller = stamina.RetryingCaller(
                attempts=policy.attempts,
                timeout=limit.seconds,
                wait_initial=policy.wait_initial,
                wait_max=longest_wait,
                wait_jitter=policy.wait_initial,
            )
            response = caller(
                lambda error: _worth_a_retry(error, limit.left - longest_wait),
                limit.send,
                lambda: self._send(request),
            )
        except httpx.HTTPStatusError as error:
            response = error.response
        except (ValueError, httpx.LocalProtocolError) as error:
            raise NotSendableError(error) from error
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise self.unreachable(error, limit) from error
        if response.is_success or (redirects and response.has_redirect_location):
            return response
        with closing(response):
            raise self._refusal(response, self.text(response, limit))

    def unreachable(self, error: Exception, deadline: Deadline | None = None) -> ServerUnreachableError:
        """`error` of httpx as a sentence that names this server."""
        seconds = deadline.seconds if deadline else self._timeout
        return ServerUnreachableError(self.name, self.url, _reason(error, seconds))

    def read(self, model: type[Model], data: Any) -> Model:
        """`data` as `model`."""
        try:
            return model.model_validate(data)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise UnexpectedAnswerError(
                f"{self.url} answered with a {model.__name__} not understood: {where}: {first['msg']}."
            ) from error

    def _send(self, request: httpx.Request) -> httpx.Response:
        response = self._http.send(request, stream=True)
        # a conflict that passes is the same request, still under way
        passing = response.status_code == _CONFLICT and "Retry-After" in response.headers
        if response.status_code in _BUSY or passing:
            response.read()
            # what retries logs it: httpx's own has the whole address, which may be signed
            reason = f"{response.status_code} {response.reason_phrase}"
            raise httpx.HTTPStatusError(reason, request=request, response=response)
        return response

    def _refusal(self, response: httpx.Response, text: str) -> ProblemError:
        status = response.status_code
        if status == _UNKNOWN_CALLER and "Authorization" not in response.request.headers:
            needs = f"{self.name} at {self.url} needs a credential, and none was sent"
            return AccessDeniedError(status, needs, server=self.name)
        return _problem(response, text, self.name, self.url)

    def _json(self, response: httpx.Response, deadline: Deadline) -> Any:
        with closing(response):
            try:
                return jsons.loads(self.text(response, deadline))
            except (ValueError, RecursionError) as error:
                media_type = response.headers.get("Content-Type", "no media type")
                raise UnexpectedAnswerError(
                    f"{response.url} answered with {media_type} and not with JSON: is this {self.name}?"
                ) from error

    def _within(self, deadline: Deadline, chunks: Iterator[bytes]) -> Iterator[bytes]:
        try:
            yield from chunks
        except httpx.TransportError as error:
            raise self.unreachable(error, deadline) from error


class Client:
    """What talks to one server; also a context that closes it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.url = server.url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._server.close()


def _trusting(ca_file: Path, *, also_public: bool) -> ssl.SSLContext:
    try:
        context = httpx.create_ssl_context() if also_public else ssl.create_default_context(cafile=ca_file)
        context.load_verify_locations(ca_file)
    except ssl.SSLError:
        reason = "it holds no certificate that can be read, in PEM form"
    except OSError as error:
        reason = error.strerror or "it cannot be read"
    else:
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context
    raise CertificateFileError(f"The file of trusted authorities, {ca_file}, cannot be used: {reason}.")


def _worth_a_retry(error: Exception, left: float) -> bool | float:
    """Whether, or after how many seconds: not where the server asks for more than the seconds `left`."""
    if isinstance(error, httpx.UnsupportedProtocol) or left <= 0:
        return False
    if isinstance(error, httpx.HTTPStatusError):
        after = _retry_after(error.response)
        if not _is_repeatable(error.request) or (after or 0) >= left:
            return False
        return True if after is None else after
    if isinstance(error, httpx.TransportError):
        return isinstance(error, _NOT_SENT) or _is_repeatable(error.request)
    return False


def _is_repeatable(request: httpx.Request) -> bool:
    """Whether sending it twice comes to the same as once."""
    return request.method in _IDEMPOTENT or _KEY in request.headers


def _retry_after(response: httpx.Response) -> float | None:
    """In how many seconds the server wants to be asked again, where it says so: as a number or as a date."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _reason(error: Exception, seconds: float) -> str:
    """What httpx says, without the operating system's numbers and the full stop."""
    if isinstance(error, httpx.TimeoutException):
        return f"no whole answer within {seconds:g} s"
    text = str(error) or type(error).__name__
    if text.startswith("[Errno"):
        text = text.partition("] ")[2]
    return text[:1].lower() + text[1:].rstrip(".")


def _without_credentials(url: str) -> tuple[str, httpx.BasicAuth | None]:
    """The address that may be shown, and what `user:password@` in it stands for."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return url, None  # every call says so
    if not parsed.userinfo:
        return url, None
    return str(parsed.copy_with(userinfo=b"")).rstrip("/"), httpx.BasicAuth(parsed.username, parsed.password)


def _is_loopback(url: str) -> bool:
    try:
        host = httpx.URL(url).host
        return host == "localhost" or ip_address(host).is_loopback
    except (httpx.InvalidURL, ValueError):
        return False


def _problem(response: httpx.Response, text: str, server: str, url: str) -> ProblemError:
    """The error that a response of `server` tells of, whether or not it is `application/problem+json`."""
    error = AccessDeniedError if response.status_code in _DENIED else ProblemError
    after = _retry_after(response)
    try:
        body = jsons.loads(text)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict) or "title" not in body:
        return error(
            response.status_code,
            f"{_without_query(response.url)} answered {response.status_code} {response.reason_phrase}",
            retry_after=after,
            server=server,
        )
    return error(
        response.status_code,
        str(body["title"]),
        body.get("detail"),
        tuple(_field_errors(body.get("errors"))),
        body.get("trace_id"),
        after,
        server,
        _page_of(body, url),
    )


def _page_of(problem: Mapping[str, Any], url: str) -> str | None:
    """The page of the problem's report, if the server has pages: below `url`, whatever the server says."""
    try:
        return f"{url}/reports/{UUID(problem['report_id'])}" if problem.get("page") else None
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


def _without_query(url: httpx.URL) -> str:
    """That of an object store has a signature in it, by which anyone gets a file."""
    return str(url.copy_with(query=None, fragment=None))


def _field_errors(errors: Any) -> Iterator[FieldError]:
    for error in errors if isinstance(errors, list) else ():
        if isinstance(error, dict):
            yield FieldError(str(error.get("field", "")), str(error.get("message", "")))
