"""Which IP addresses may be connected to."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from waybill.errors import WaybillError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_WIDEST: Final = {4: 8, 6: 7}
"""Prefix lengths of the widest private networks, 10.0.0.0/8 and fc00::/7."""

# From IANA's registries of special-purpose addresses. Written down here, since what `ipaddress` calls private
# depends on the version of Python.
_REFUSED_V4: Final = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",
            "100.64.0.0/10",  # carrier-grade NAT; also metadata of some clouds
            "127.0.0.0/8",
            "169.254.0.0/16",  # link-local; metadata of most clouds
            "172.16.0.0/12",
            "192.0.0.0/24",  # protocols; also metadata of some clouds
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",  # multicast, reserved, broadcast
        ),
    )
)
_GLOBAL_V6: Final = IPv6Network("2000::/3")
"""All of IPv6 that is routed. Loopback, unique local (fc00::/7), link-local, site-local and multicast are
outside."""
_REFUSED_V6: Final = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocols, among them Teredo, which holds an IPv4 address
            "2001:db8::/32",
            "2002::/16",  # 6to4, which holds an IPv4 address
            "3fff::/20",
        ),
    )
)
_NAT64: Final = IPv6Network("64:ff9b::/96")


class NotANetwork(WaybillError, ValueError):  # noqa: N818 - the name is the sentence
    """The text is no network that may be listed."""


def parse_network(text: str) -> Network:
    """Of `10.1.0.0/16`, or one address. Raises `NotANetwork`, also where it is wider than any private
    network: then it would let everything in."""
    try:
        network = ip_network(text.strip())
    except ValueError as error:
        raise NotANetwork(f"{text[:100]!r} is no IP address or network: {error}") from None
    if network.prefixlen < _WIDEST[network.version]:
        raise NotANetwork(
            f"{text[:100]!r} is wider than any private network: list the networks that are meant"
        )
    return network


def may_connect(address: str, private: Sequence[Network]) -> bool:
    """Whether it is a public address, or in a network that is listed. Of an IPv6 address that means an IPv4
    address, that counts."""
    found = _meant(ip_address(address))
    return any(found in network for network in private) or _is_public(found)


def _meant(address: Address) -> Address:
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_V4)
    return address in _GLOBAL_V6 and not any(address in network for network in _REFUSED_V6)
