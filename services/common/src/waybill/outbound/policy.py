"""What may be connected to: by the operator's settings."""

from collections.abc import Iterable
from dataclasses import dataclass

import httpx

from waybill.errors import PermanentError
from waybill.outbound.hosts import DEFAULT_PORTS, AllowedHost
from waybill.outbound.networks import Network, may_connect, parse_network

_MAX_NAME = 253


class OutboundRefused(PermanentError):  # noqa: N818 - the name is the sentence
    """The policy does not allow it. The sentence names the host and the setting, and no address: which ones a
    private name has is not for those who name it."""


@dataclass(frozen=True)
class OutboundPolicy:
    """To which hosts, and to which private networks. Without hosts, nothing is allowed. The last two are the
    settings' names, for the errors."""

    hosts: tuple[AllowedHost, ...] = ()
    private_networks: tuple[Network, ...] = ()
    hosts_setting: str = "the hosts that are allowed"
    networks_setting: str = "the private networks that are allowed"

    @classmethod
    def parse(
        cls,
        hosts: Iterable[str],
        private_networks: Iterable[str] = (),
        *,
        hosts_setting: str,
        networks_setting: str,
    ) -> "OutboundPolicy":
        """Raises `NotAHost` or `NotANetwork`, which are ValueErrors."""
        return cls(
            tuple(map(AllowedHost.parse, hosts)),
            tuple(map(parse_network, private_networks)),
            hosts_setting,
            networks_setting,
        )

    @property
    def allows_nothing(self) -> bool:
        return not self.hosts

    def check(self, url: str | httpx.URL) -> httpx.URL:
        """The URL as it is sent. Looks nothing up. Raises `OutboundRefused`, without what the URL may hold
        besides its host."""
        try:
            parsed = httpx.URL(url)
        except (httpx.InvalidURL, ValueError, TypeError):
            raise OutboundRefused(
                "The URL cannot be read: give one such as https://example.com/path."
            ) from None
        if parsed.scheme not in DEFAULT_PORTS or not parsed.raw_host:
            raise OutboundRefused("The URL must begin with https:// and a host.")
        if len(parsed.raw_host) > _MAX_NAME:
            raise OutboundRefused(f"The URL's host has more than {_MAX_NAME} characters, as no name has.")
        if parsed.userinfo:
            raise OutboundRefused("The URL must have no user or password: remove what is before the @.")
        if not self._allows(parsed):
            raise OutboundRefused(
                f"{parsed.scheme}://{parsed.netloc.decode('ascii')} is not allowed: {self.hosts_setting} does"
                " not list it."
            )
        return parsed

    def check_address(self, host: str, address: str) -> None:
        """`address` is what `host` was resolved to. Raises `OutboundRefused`."""
        if not may_connect(address, self.private_networks):
            raise OutboundRefused(
                f"{host} is in a network that is not public: {self.networks_setting} does not list it."
            )

    def _allows(self, url: httpx.URL) -> bool:
        name = url.raw_host.decode("ascii").lower().strip("[]")
        port = DEFAULT_PORTS[url.scheme] if url.port is None else url.port
        return any(host.matches(url.scheme, name, port) for host in self.hosts)
