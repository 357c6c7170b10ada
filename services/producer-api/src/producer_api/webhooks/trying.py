"""One try to call a webhook."""

from contextlib import suppress
from datetime import UTC, datetime

import httpx

from producer_api.webhooks.payload import payload
from producer_api.webhooks.signing import Signer
from waybill.domain import DueDelivery, TryOutcome
from waybill.outbound import OutboundRefused, read_at_most
from waybill.redaction import redacted
from waybill.telemetry import describe_try, receiver_carrier, webhook_span

_MAX_ANSWER_BYTES = 4096


class Caller:
    """Threads may share one."""

    def __init__(self, client: httpx.Client, signer: Signer, root: str) -> None:
        """`client` refuses what must not be called. `root`: the path before every address of the API."""
        self._client = client
        self._signer = signer
        self._root = root

    def call(self, due: DueDelivery) -> TryOutcome:
        """Blocks for as long as the client does. Raises nothing that a receiver could bring about."""
        url = httpx.URL(due.url)
        with webhook_span(due, url.host, url.port or (80 if url.scheme == "http" else 443)) as span:
            carrier = receiver_carrier(span)
            outcome = self._post(url, due, carrier.as_dict() if carrier else {})
            describe_try(span, outcome)
        return outcome

    def _post(self, url: httpx.URL, due: DueDelivery, trace: dict[str, str]) -> TryOutcome:
        body = payload(due.report, self._root)
        signed = self._signer.headers(due.message_id, datetime.now(UTC), body)
        headers = {"Content-Type": "application/json", **signed, **trace}
        try:
            with self._client.stream("POST", url, content=body.encode(), headers=headers) as answer:
                # Small answers are read, so that the connection ends well; what they say is of no matter.
                with suppress(httpx.HTTPError):
                    read_at_most(answer, _MAX_ANSWER_BYTES)
                return _outcome(answer)
        except OutboundRefused as error:
            return TryOutcome(None, str(error))
        except httpx.ConnectTimeout:
            return TryOutcome(None, "It could not be connected to in time.")
        except httpx.TimeoutException:
            return TryOutcome(None, "It did not answer in time.")
        except (httpx.HTTPError, OSError) as error:
            return TryOutcome(None, redacted(str(error)) or type(error).__name__)


def _outcome(answer: httpx.Response) -> TryOutcome:
    status = answer.status_code
    if answer.is_success:
        return TryOutcome(status)
    more = " Redirects are not followed." if answer.is_redirect else ""
    return TryOutcome(status, f"It answered {status}.{more}")
