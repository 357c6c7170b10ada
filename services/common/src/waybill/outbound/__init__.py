"""HTTP to servers that clients or kinds name: to those alone that the operator has listed, and to no address
of a private network that is not listed too."""

from waybill.outbound.client import OutboundTimeout, outbound_client, read_at_most
from waybill.outbound.hosts import AllowedHost, NotAHost
from waybill.outbound.networks import NotANetwork
from waybill.outbound.policy import OutboundPolicy, OutboundRefused

__all__ = [
    "AllowedHost",
    "NotAHost",
    "NotANetwork",
    "OutboundPolicy",
    "OutboundRefused",
    "OutboundTimeout",
    "outbound_client",
    "read_at_most",
]
