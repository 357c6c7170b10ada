"""The webhooks of requests: whether they may be, and what has become of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from producer_api.problems import FieldError, Problem
from producer_api.resources import WebhookRequest
from waybill.domain import Delivery, Report
from waybill.ledger import Webhooks
from waybill.outbound import OutboundPolicy, OutboundRefused


@dataclass(frozen=True)
class RequestedWebhooks:
    """`targets`: what may be called."""

    deliveries: Webhooks
    targets: OutboundPolicy

    def url(self, wanted: WebhookRequest | None) -> str | None:
        """As it is stored and called. Raises `Problem` where it must not be called."""
        if wanted is None:
            return None
        if self.targets.allows_nothing:
            raise _refused("webhook", f"webhooks are off, since {self.targets.hosts_setting} is not set")
        try:
            return str(self.targets.check(wanted.url))
        except OutboundRefused as error:
            raise _refused("webhook.url", str(error)) from None

    def state(self, report: Report) -> Delivery | None:
        """None where there is none, or it has not ended. Raises `StoreUnavailable`, as the next one."""
        return self.states([report]).get(report.id)

    def states(self, reports: Iterable[Report]) -> dict[UUID, Delivery]:
        """Of those that have one and have ended."""
        return self.deliveries.of(reports)


def _refused(field: str, message: str) -> Problem:
    return Problem("wrong-request", f"{field}: {message}", [FieldError(field=field, message=message)])
