"""Connects to addresses that were checked, and keeps a deadline: httpcore's own backend with a guard."""

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import TimeoutError as NotInTime
from typing import Any

import httpcore
from httpcore import SOCKET_OPTION, NetworkStream, SyncBackend

from waybill.background import in_background
from waybill.outbound.policy import OutboundPolicy, OutboundRefused

Resolve = Callable[[str, int], Sequence[str]]
"""A host's addresses, best first; raises OSError."""


def resolve(host: str, port: int) -> list[str]:
    """By the system's resolver, which may block for as long as it likes."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class CheckedBackend(httpcore.NetworkBackend):
    """A host is resolved once for each connection, and the connection is made to an address that was checked:
    what its name means a moment later is of no matter. TLS goes on with the host's name, and verifies it."""

    def __init__(self, policy: OutboundPolicy, total: float, resolve: Resolve = resolve) -> None:
        """`total`: seconds from the look-up of the name to the last byte."""
        self._policy = policy
        self._total = total
        self._resolve = resolve
        self._connecting = SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> NetworkStream:
        now = time.monotonic()
        deadline = now + self._total
        connected_by = min(deadline, now + timeout) if timeout is not None else deadline
        for address in (addresses := self._checked(host, port, connected_by)):
            try:
                left = _left(connected_by, httpcore.ConnectTimeout)
                stream = self._connecting.connect_tcp(address, port, left, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if address == addresses[-1]:
                    raise
            else:
                return _Stream(stream, deadline, connected_by)
        raise AssertionError("there is an address")

    def _checked(self, host: str, port: int, until: float) -> list[str]:
        """At least one."""
        allowed, refused = [], None
        for address in self._addresses(host, port, until):
            try:
                self._policy.check_address(host, address)
                allowed.append(address)
            except OutboundRefused as error:
                refused = error
        if allowed:
            return allowed
        raise refused or httpcore.ConnectError(f"{host} has no address")

    def _addresses(self, host: str, port: int, until: float) -> Sequence[str]:
        found = in_background(lambda: self._resolve(host, port))
        try:
            return found.result(_left(until, httpcore.ConnectTimeout))
        except NotInTime:
            raise httpcore.ConnectTimeout(f"{host} was not looked up in time") from None
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise httpcore.ConnectError(f"{host} cannot be looked up: {reason}") from error


class _Stream(NetworkStream):
    """Every wait on it ends with the deadline."""

    def __init__(self, stream: NetworkStream, deadline: float, connected_by: float) -> None:
        self._stream = stream
        self._deadline = deadline
        self._connected_by = connected_by

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline, httpcore.ReadTimeout, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline, httpcore.WriteTimeout, timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> NetworkStream:
        left = _left(self._connected_by, httpcore.ConnectTimeout, timeout)
        return _Stream(
            self._stream.start_tls(ssl_context, server_hostname, left), self._deadline, self._connected_by
        )

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(deadline: float, error: type[httpcore.TimeoutException], timeout: float | None = None) -> float:
    """Seconds; `timeout` if that is less. Raises `error` where there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise error("not in time")
    return left if timeout is None else min(left, timeout)
