"""Webhooks: the URL that is called when a report has ended, and what has become of the calls."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from random import Random
from urllib.parse import urlsplit

from waybill.domain.report import Report


class DeliveryStatus(StrEnum):
    """Where a delivery is."""

    PENDING = "pending"
    """Not tried yet."""
    FAILED = "failed"
    """Tried in vain; there will be another try."""
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"
    """There will be no other try: it was the last one, or the receiver does not want any more (410)."""


@dataclass(frozen=True)
class Delivery:
    """What has become of the news that a report has ended. `version`: the report's, of its end; None
    while it has none. `last_status`
    is what the receiver answered, and `last_error` why the last try was in vain."""

    version: int | None
    status: DeliveryStatus
    attempts: int
    next_try_at: datetime | None
    last_status: int | None
    last_error: str | None


@dataclass(frozen=True)
class DueDelivery:
    """One that this process is to try now. `report` is as it was at its end. `attempt` counts the tries from
    1, and fences the outcome: another process may try it again after a while."""

    report: Report
    url: str
    host: str
    attempt: int

    @property
    def message_id(self) -> str:
        """The same for each try, so that a receiver can tell that it has the news already."""
        return f"{self.report.id}_{self.report.version}"


@dataclass(frozen=True)
class TryOutcome:
    """`status` is what the receiver answered, if it did; `error` why that is no delivery."""

    status: int | None
    error: str | None = None

    @property
    def is_delivered(self) -> bool:
        return self.error is None

    @property
    def is_unwanted(self) -> bool:
        return self.status == HTTPStatus.GONE


@dataclass(frozen=True)
class DeliveryPolicy:
    """`delays`: before the second try, the third and so on; after the last one it is given up. `places`: how
    many tries are under way at once, in the one process that makes them, and `places_of_host` how many of
    them to one host. `claim`: after this time a try whose process is gone is made again."""

    delays: tuple[timedelta, ...]
    places: int = 32
    places_of_host: int = 4
    claim: timedelta = timedelta(seconds=60)

    def next_delay(self, attempt: int, outcome: TryOutcome, random: Random) -> timedelta | None:
        """From the end of try number `attempt`, which was in vain, to the next one, up to a tenth more: those
        that fail together do not return together. None where there is none."""
        if outcome.is_unwanted or attempt > len(self.delays):
            return None
        return self.delays[attempt - 1] * random.uniform(1.0, 1.1)


def shown_url(url: str) -> str:
    """Without the query, which may hold what the receiver knows its callers by."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
