"""Host and port as people write them: `host:8081`, `127.0.0.1:8081`, `[::]:8081`."""

import os
import re
import socket
from dataclasses import dataclass
from ipaddress import ip_address

from waybill.errors import WaybillError

_PORT = re.compile(r"[0-9]{1,5}")


class NotAnAddress(WaybillError, ValueError):  # noqa: N818 - the name is the sentence
    """The text is not a host and a port."""


class CannotListen(WaybillError):  # noqa: N818 - the name is the sentence
    """The address is taken, or is not of this machine."""


@dataclass(frozen=True)
class Address:
    """`host` is without brackets; empty for every address of this machine."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Raises `NotAnAddress`."""
        host, colon, port = text.strip().rpartition(":")
        in_brackets = host.startswith("[") and host.endswith("]")
        if not (colon and _PORT.fullmatch(port) and int(port) < 65536):
            raise NotAnAddress(f"{text[:100]!r} is not host:port, such as 0.0.0.0:8080 or [::]:8080")
        if ":" in host and not in_brackets:
            raise NotAnAddress(f"{text[:100]!r}: write an IPv6 address in brackets, such as [::]:8080")
        host = host[1:-1] if in_brackets else host
        if not host.isprintable() or any(map(str.isspace, host)):
            raise NotAnAddress(f"{text[:100]!r}: no host has spaces or control characters in its name")
        return cls(host, int(port))

    @property
    def is_loopback(self) -> bool:
        """Whether only processes of this machine reach it."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, reached by itself alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def listen(text: str) -> socket.socket:
    """A socket that listens at an address as in `Address.parse`; `[::]` takes IPv4 too, where the machine
    has both. Raises `CannotListen`."""
    address = Address.parse(text)
    try:
        family, _, _, _, target = socket.getaddrinfo(
            address.host or None, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        everything = address.host == "::" and socket.has_dualstack_ipv6()
        return socket.create_server(target[:2], family=family, backlog=128, dualstack_ipv6=everything)
    except UnicodeError as error:
        raise CannotListen(f"Cannot listen at {text}: its host is no name that can be looked up.") from error
    except OSError as error:
        reason = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        raise CannotListen(f"Cannot listen at {text}: {reason}.") from error
