"""The API's policies, made from settings."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path

Network = IPv4Network | IPv6Network

SHORT_ANSWER_BYTES = 128 * 1024
"""An answer up to this size fits the empty buffer of a socket, so that its client cannot hold a thread."""

_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+")
_PRIVATE_SUFFIXES = (".localhost", ".local", ".internal", ".svc", ".svc.cluster.local", ".test")


@dataclass(frozen=True)
class StreamPolicy:
    """`heartbeat`: a stream without events sends a comment after this time, so that proxies keep the
    connection. `catch_up`: streams without events read the database after this time, in case Kafka is down.
    `tick`: how long a stream takes at most to notice that its client has gone, or that the process drains.
    `lifetime`: a stream ends after this time, and its client reconnects. `reconnect`: when a client comes
    back after its stream has ended. `page`: events read at once. `credential_check`: how often a stream asks
    whether its client's credential is still valid. `log_interval`: between two reads of the logs that streams
    have asked for. `log_linger`: after the report's end, its last lines may come for this time."""

    heartbeat: timedelta = timedelta(seconds=15)
    catch_up: timedelta = timedelta(seconds=5)
    tick: timedelta = timedelta(seconds=0.5)
    lifetime: timedelta = timedelta(minutes=15)
    reconnect: timedelta = timedelta(seconds=1)
    page: int = 200
    credential_check: timedelta = timedelta(seconds=2)
    log_interval: timedelta = timedelta(seconds=0.5)
    log_linger: timedelta = timedelta(seconds=2)


@dataclass(frozen=True)
class ArrivalPolicy:
    """What a client may take, in time and bytes.

    `head`: from a request's first byte to the end of its header. `body`: from there to its last byte.
    `write`: for each 64 KiB of an answer. `idle`: how long a connection without a request stays open.
    `linger`: how long an answered connection waits for the client to close it.
    """

    head: timedelta = timedelta(seconds=10)
    body: timedelta = timedelta(seconds=30)
    write: timedelta = timedelta(seconds=30)
    idle: timedelta = timedelta(seconds=15)
    linger: timedelta = timedelta(seconds=2)
    max_head_bytes: int = 64 * 1024
    max_body_bytes: int = 256 * 1024


@dataclass(frozen=True)
class DownloadPolicy:
    """`redirect`: files that are in an object store come from there, by addresses that anyone may use for
    `address_lifetime`. Else, and always from a folder, they come through this process."""

    redirect: bool = True
    address_lifetime: timedelta = timedelta(minutes=5)


@dataclass(frozen=True)
class TlsPolicy:
    """The PEM files with which the API speaks HTTPS: its certificate with those between it and the
    authority's, and its key."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class HostPolicy:
    """The names under which the service may be called, so that no page can reach it under a name of its
    own (DNS rebinding)."""

    allowed: frozenset[str] = frozenset()
    """In lower case; `*` allows any, `*.example.com` each name below it."""

    def allows(self, host: str) -> bool:
        """`host` without its port. IP addresses are allowed, and names that cannot be owned in public."""
        name = host.lower().rstrip(".")
        if "*" in self.allowed or name in self.allowed:
            return True
        if not name:
            return False
        if _is_ip_address(name) or "." not in name or name.endswith(_PRIVATE_SUFFIXES):
            return True
        return any(name.endswith(pattern[1:]) for pattern in self.allowed if pattern.startswith("*."))


@dataclass(frozen=True)
class ProxyPolicy:
    """`trusted`: from these addresses alone, forwarding headers count. `prefix`: the path before every
    address of this service, such as `/waybill`; empty for none."""

    trusted: tuple[Network, ...] = field(default=())
    prefix: str = ""

    def trusts(self, client: str) -> bool:
        if not self.trusted:
            return False
        try:
            address = ip_address(client)
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)  # as a socket for both versions shows IPv4
        return any((mapped or address) in network for network in self.trusted)


def is_path_prefix(text: str) -> bool:
    """A path such as `/waybill`, which links can begin with: no `//host`, and no segments that browsers
    take away (`/..`)."""
    return _PREFIX.fullmatch(text) is not None and not {".", ".."} & set(text.split("/"))


def _is_ip_address(name: str) -> bool:
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
