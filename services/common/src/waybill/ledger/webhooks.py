"""Webhooks: which are to be called, and what has become of the calls."""

from collections.abc import Iterable, Mapping
from random import Random
from uuid import UUID

from waybill.domain import Delivery, DeliveryPolicy, DeliveryStatus, DueDelivery, Report, TryOutcome
from waybill.ledger.transactions import Transactions
from waybill.store.statements import webhooks

_MAX_ERROR = 500


class Webhooks:
    """Each method is one transaction, and raises `StoreUnavailable`. A delivery is there from the transaction
    on that ends the report."""

    def __init__(self, transactions: Transactions, random: Random | None = None) -> None:
        self._transactions = transactions
        self._random = random or Random()  # noqa: S311 - spreads retries

    def claim(self, policy: DeliveryPolicy, limit: int, busy: Mapping[str, int]) -> list[DueDelivery]:
        """At most `limit` that this process is to try now. `busy`: how many tries it makes of each host."""
        with self._transactions.reading() as connection:
            return webhooks.claim(connection, limit, policy.places_of_host, busy, policy.claim)

    def ended(self, policy: DeliveryPolicy, tried: DueDelivery, outcome: TryOutcome) -> DeliveryStatus:
        """Writes what has become of a try, unless another process tries it by now."""
        delay = None
        status = DeliveryStatus.DELIVERED
        if not outcome.is_delivered:
            delay = policy.next_delay(tried.attempt, outcome, self._random)
            status = DeliveryStatus.GIVEN_UP if delay is None else DeliveryStatus.FAILED
        error = outcome.error and outcome.error[:_MAX_ERROR]
        with self._transactions.reading() as connection:
            webhooks.end(connection, tried, status, delay, outcome.status, error)
        return status

    def of(self, reports: Iterable[Report]) -> dict[UUID, Delivery]:
        """Of those that have a webhook and have ended, what has become of the last end. Asks the database
        only where there may be such."""
        ids = [report.id for report in reports if report.webhook and report.version > 1]
        if not ids:
            return {}
        with self._transactions.reading() as connection:
            return webhooks.newest(connection, ids)
