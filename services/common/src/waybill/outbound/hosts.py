"""An entry of an allow-list of hosts."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from waybill.errors import WaybillError

DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_ENTRY = re.compile(
    r"(?:(?P<scheme>https?)://)?"
    r"(?:\[(?P<ipv6>[0-9a-f:.]+)\]|(?P<name>\*|(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*))"
    r"(?::(?P<port>[0-9]{1,5}))?"
)


class NotAHost(WaybillError, ValueError):  # noqa: N818 - the name is the sentence
    """The text is no entry of an allow-list."""


@dataclass(frozen=True)
class AllowedHost:
    """`name` in lower case: `example.com`; `*.example.com`, which is every name below it, at any depth; `*`,
    every name; or an IP address, which no pattern means. Only by `scheme`, and at `port`."""

    name: str
    scheme: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "AllowedHost":
        """Of `example.com`, `*.example.com:8443`, `[2001:db8::1]` or `http://name:8080`: https where it does
        not say http, and the scheme's own port where it has none. A name that is not ASCII is given as
        `xn--…`. Raises `NotAHost`."""
        found = _ENTRY.fullmatch(text.strip().lower())
        if not found or int(found["port"] or 1) not in range(1, 65536):
            raise NotAHost(
                f"{text[:100]!r} is no host such as example.com, *.example.com:8443 or http://receiver:8080"
            )
        scheme = found["scheme"] or "https"
        try:
            name = str(ip_address(found["ipv6"])) if found["ipv6"] else _canonical(found["name"])
        except ValueError:
            raise NotAHost(f"{text[:100]!r}: what is in brackets is no IPv6 address") from None
        return cls(name, scheme, int(found["port"] or DEFAULT_PORTS[scheme]))

    def matches(self, scheme: str, name: str, port: int) -> bool:
        """`name` as a URL has it, in lower case, without brackets."""
        return (scheme, port) == (self.scheme, self.port) and self._matches_name(_canonical(name))

    def _matches_name(self, name: str) -> bool:
        if not self.name.startswith("*"):
            return name == self.name
        return not _is_address(name) and name.endswith(self.name[1:])


def _canonical(name: str) -> str:
    """Of an address, the one form of it."""
    try:
        return str(ip_address(name))
    except ValueError:
        return name


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
