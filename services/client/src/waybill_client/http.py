"""One HTTP server as the clients use it: what is safe is retried, and what goes wrong is a sentence."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
import stamina
from pydantic import BaseModel, ValidationError

from waybill_client.errors import (
    FieldError,
    NotSendableError,
    ProblemError,
    ServerUnreachableError,
    UnexpectedAnswerError,
)

Model = TypeVar("Model", bound=BaseModel)

_BUSY = frozenset({502, 503, 504})
_CONFLICT = 409
_KEY = "Idempotency-Key"
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True)
class RetryPolicy:
    """How often, and for how many seconds in all, a call is repeated while the server does not answer."""

    attempts: int = 5
    timeout: float = 10.0
    wait_initial: float = 0.1
    wait_max: float = 2.0


IMPATIENT = RetryPolicy()
"""For a person who waits: a server that is away is reported within two seconds."""


class Server:
    """A base address and how to talk to it. Threads may share one.

    A GET, and a POST with an Idempotency-Key, is retried on any failure of the connection and while the
    server says that it is busy; anything else only when it surely was not sent. Every method raises
    `NotSendableError`, `ServerUnreachableError`, `ProblemError` or `UnexpectedAnswerError`.
    """

    def __init__(self, name: str, url: str, retry: RetryPolicy, timeout: float = 10.0) -> None:
        self.name = name
        self.url, credentials = _without_credentials(url.rstrip("/"))
        self._retry = retry
        self._http = httpx.Client(
            timeout=timeout,
            auth=credentials,
            headers={"User-Agent": "waybill"},
            # a proxy cannot reach what listens on this machine's loopback
            trust_env=not _is_loopback(self.url),
        )

    def close(self) -> None:
        self._http.close()

    def get(
        self, path: str, params: Mapping[str, Any] | None = None, retry: RetryPolicy | None = None
    ) -> Any:
        """The JSON at `path`; parameters that are None are left out."""
        return self._json(self.open("GET", path, params=params, retry=retry))

    def post(self, path: str, body: Any = None, key: str | None = None) -> Any:
        """The JSON that answers `body`; `key` makes it one request, however often it is sent."""
        headers = {} if key is None else {_KEY: key}
        return self._json(self.open("POST", path, json=body, headers=headers))

    def open(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: httpx.Timeout | None = None,
        retry: RetryPolicy | None = None,
    ) -> httpx.Response:
        """A successful response with its body still to be read; the caller closes it."""
        policy = retry or self._retry
        try:
            request = self._http.build_request(
                method,
                self.url + path,
                params={name: value for name, value in (params or {}).items() if value is not None},
                json=json,
                headers=dict(headers or {}),
                timeout=timeout or httpx.USE_CLIENT_DEFAULT,
            )
            caller = stamina.RetryingCaller(
                attempts=policy.attempts,
                timeout=policy.timeout,
                wait_initial=policy.wait_initial,
                wait_max=policy.wait_max,
                wait_jitter=policy.wait_initial,
            )
            response = caller(_worth_a_retry, self._send, request)
        except httpx.HTTPStatusError as error:
            response = error.response
        except (ValueError, httpx.LocalProtocolError) as error:
            raise NotSendableError(error) from error
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise self.unreachable(error) from error
        if response.is_success:
            return response
        with closing(response):
            response.read()
            raise _problem(response)

    def unreachable(self, error: Exception) -> ServerUnreachableError:
        """`error` of httpx as a sentence that names this server."""
        return ServerUnreachableError(self.name, self.url, _reason(error))

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
            response.raise_for_status()
        return response

    def _json(self, response: httpx.Response) -> Any:
        with closing(response):
            try:
                response.read()
                return response.json()
            except httpx.TransportError as error:
                raise self.unreachable(error) from error
            except ValueError as error:
                media_type = response.headers.get("Content-Type", "no media type")
                raise UnexpectedAnswerError(
                    f"{response.url} answered with {media_type} and not with JSON: is this {self.name}?"
                ) from error


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


def _worth_a_retry(error: Exception) -> bool | float:
    """Whether, or after how many seconds."""
    if isinstance(error, httpx.UnsupportedProtocol):
        return False
    if isinstance(error, httpx.HTTPStatusError):
        after = error.response.headers.get("Retry-After", "")
        return (float(after) if after.isdecimal() else True) if _is_repeatable(error.request) else False
    if isinstance(error, httpx.TransportError):
        return isinstance(error, _NOT_SENT) or _is_repeatable(error.request)
    return False


def _is_repeatable(request: httpx.Request) -> bool:
    """Whether sending it twice comes to the same as once."""
    return request.method == "GET" or _KEY in request.headers


def _reason(error: Exception) -> str:
    """What httpx says, without the operating system's numbers and the full stop."""
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
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


def _problem(response: httpx.Response) -> ProblemError:
    """The error that a response tells of, whether or not it is `application/problem+json`."""
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict) or "title" not in body:
        return ProblemError(
            response.status_code, f"{response.url} answered {response.status_code} {response.reason_phrase}"
        )
    return ProblemError(
        response.status_code,
        str(body["title"]),
        body.get("detail"),
        tuple(_field_errors(body.get("errors"))),
        body.get("trace_id"),
    )


def _field_errors(errors: Any) -> Iterator[FieldError]:
    for error in errors if isinstance(errors, list) else ():
        if isinstance(error, dict):
            yield FieldError(str(error.get("field", "")), str(error.get("message", "")))
