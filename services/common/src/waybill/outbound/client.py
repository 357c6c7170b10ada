"""An httpx client that connects to what a policy allows."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import httpcore
import httpx

from waybill.outbound.connecting import CheckedBackend, Resolve, resolve
from waybill.outbound.policy import OutboundPolicy


@dataclass(frozen=True)
class OutboundTimeout:
    """Of one request. `connect`: looking up the name, connecting and TLS. `total`: all of it, up to the last
    byte that is read."""

    connect: timedelta = timedelta(seconds=5)
    total: timedelta = timedelta(seconds=15)


_TIMEOUT = OutboundTimeout()


def outbound_client(
    policy: OutboundPolicy,
    timeout: OutboundTimeout = _TIMEOUT,
    *,
    tls: ssl.SSLContext | None = None,
    resolver: Resolve = resolve,
) -> httpx.Client:
    """Threads may share it. A request raises `OutboundRefused`, before anything is sent, for what the policy
    does not allow, and httpx's errors otherwise.

    Each request has a connection of its own, whose address is checked. Redirects are not followed; a proxy of
    the environment is not used, since it would resolve names itself; a compressed answer is not asked for.
    `tls`: by default the system's authorities, or those of `SSL_CERT_FILE`.
    """
    transport = _Transport(policy, timeout, tls or httpx.create_ssl_context(), resolver)
    return httpx.Client(
        transport=transport,
        timeout=httpx.Timeout(timeout.total.total_seconds(), connect=timeout.connect.total_seconds()),
        follow_redirects=False,
        trust_env=False,
        headers={"Accept-Encoding": "identity", "User-Agent": "waybill"},
    )


def read_at_most(response: httpx.Response, limit: int) -> bytes:
    """The first `limit` bytes of a streamed response; the others are not read. Raises httpx's errors."""
    found = bytearray()
    for chunk in response.iter_raw():
        found += chunk
        if len(found) >= limit:
            break
    return bytes(found[:limit])


class _Transport(httpx.BaseTransport):
    """httpx's own takes no network backend."""

    def __init__(
        self, policy: OutboundPolicy, timeout: OutboundTimeout, tls: ssl.SSLContext, resolver: Resolve
    ) -> None:
        self._policy = policy
        # A connection that is kept would be one whose address was checked long ago.
        self._pool = httpcore.ConnectionPool(
            tls,
            max_connections=None,
            max_keepalive_connections=0,
            network_backend=CheckedBackend(policy, timeout.total.total_seconds(), resolver),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = self._policy.check(request.url)
        outgoing = httpcore.Request(
            request.method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _as_httpx(request):
            answer = self._pool.handle_request(outgoing)
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_Body(answer, request),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response, request: httpx.Request) -> None:
        self._answer = answer
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        with _as_httpx(self._request):
            yield from self._answer.iter_stream()

    def close(self) -> None:
        with _as_httpx(self._request):
            self._answer.close()


@contextmanager
def _as_httpx(request: httpx.Request) -> Iterator[None]:
    """httpx has an error of the same name for each of httpcore's that a request can end in."""
    try:
        yield
    except (
        httpcore.TimeoutException,
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.UnsupportedProtocol,
    ) as error:
        same: type[httpx.TransportError] = getattr(httpx, type(error).__name__, httpx.TransportError)
        raise same(str(error), request=request) from error
