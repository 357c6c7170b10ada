"""A step's call of a configured service, made again while that may help."""

import email.utils
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import stamina
from opentelemetry.trace import Span

from report_worker.query.deadline import Deadline
from report_worker.query.http_rows import rows_of, table_of
from report_worker.query.results import result_writer
from report_worker.query.sources import HttpSource, secret_value
from report_worker.query.templates import filled, filled_json, filled_path, filled_query
from waybill.definitions import HttpCall
from waybill.errors import PermanentError, RetryableError
from waybill.outbound import OutboundTimeout, outbound_client, read_at_most
from waybill.redaction import REDACTED, redacted
from waybill.telemetry import call_span, describe_response, fail_span, span_carrier

_CONNECT = timedelta(seconds=5)
_QUOTED_CHARACTERS = 300
_OURS = frozenset(
    (
        "host",
        "connection",
        "content-length",
        "transfer-encoding",
        "idempotency-key",
        "traceparent",
        "tracestate",
    )
)
_VALUE = re.compile(r"[\x20-\x7e\t]*")
_BATCH_ROWS = 10_000
_TOO_MANY = 429
_UNAVAILABLE = 503


class Unanswered(RetryableError):  # noqa: N818 - the name is the sentence
    """A try that another may do better. `sort`: as a definition's `retry` names it; `wait`: seconds that the
    service asks for."""

    def __init__(self, sentence: str, sort: str, wait: float | None = None) -> None:
        super().__init__(sentence)
        self.sort = sort
        self.wait = wait


@dataclass(frozen=True)
class Request:
    """As it is sent, but for the trace."""

    method: str
    template: str
    url: httpx.URL
    headers: Mapping[str, str]
    content: bytes | None


@dataclass(frozen=True)
class HttpQuery:
    """`key`: the same at each try and each attempt, so that the service can tell them from a second call."""

    name: str
    source: HttpSource
    environment: Mapping[str, str] = field(repr=False)
    key: str
    timeout: timedelta
    max_rows: int

    def run(self, call: HttpCall, values: Mapping[str, Any], target: Path) -> int:
        """Writes the rows to the file `target`, and returns how many; without any, there are no columns, and
        no file. Raises `RetryableError` where it may go well later, and `PermanentError`."""
        rows = rows_of(self._answer(call, self.request(call, values)), call.rows)
        if not rows:
            return 0
        table = table_of(rows)
        with result_writer(target, self.max_rows) as start:
            writer = start(table.schema)
            for batch in table.to_batches(_BATCH_ROWS):
                writer.write(batch)
            return writer.rows

    def request(self, call: HttpCall, values: Mapping[str, Any]) -> Request:
        """Raises `PermanentError` where a value cannot stand where it is to."""
        base = self.source.url.rstrip("/")
        url = httpx.URL(base + filled_path(call.path, values))
        if query := filled_query(call.query, values):
            url = url.copy_with(params=query)
        headers = {"Accept": "application/json"} | {
            name: filled(text, values) for name, text in call.headers.items()
        }
        self._check_headers(headers)
        content = None
        if call.body is not None:
            content = json.dumps(filled_json(call.body, values)).encode()
            headers["Content-Type"] = "application/json"
        sent = {**headers, **self._secret_headers(), "Idempotency-Key": self.key}
        return Request(call.method, call.path, url, sent, content)

    def _check_headers(self, headers: Mapping[str, str]) -> None:
        reserved = _OURS | {name.lower() for name in self.source.headers}
        for name, value in headers.items():
            if name.lower() in reserved:
                raise PermanentError(f"headers: {name} is set by Waybill, or by the source: leave it out.")
            if not _VALUE.fullmatch(value):
                raise PermanentError(f"headers: the value of {name} must be printable ASCII.")

    def _secret_headers(self) -> dict[str, str]:
        found = {}
        for name, secret in self.source.headers.items():
            found[name] = secret_value(secret, self.environment)
            if not _VALUE.fullmatch(found[name]):
                raise PermanentError(f"The source {self.name}: its header {name} must be printable ASCII.")
        return found

    def _answer(self, call: HttpCall, request: Request) -> bytes:
        deadline = Deadline(self.timeout)

        def again(error: Exception) -> bool | float:
            if not isinstance(error, Unanswered) or error.sort not in call.retry.on:
                return False
            return error.wait < deadline.left and error.wait if error.wait else not deadline.is_over

        for attempt in stamina.retry_context(
            on=again, attempts=call.retry.attempts, timeout=deadline.left, wait_initial=0.2, wait_max=10
        ):
            with attempt:
                return self._try(request, deadline, attempt.num - 1)
        raise AssertionError("there is at least one attempt")

    def _try(self, request: Request, deadline: Deadline, resend: int) -> bytes:
        url = request.url
        port = url.port or {"https": 443, "http": 80}[url.scheme]
        total = timedelta(seconds=max(0.001, deadline.left))
        with (
            call_span(request.method, request.template, str(url), url.host, port, resend) as span,
            outbound_client(
                self.source.policy(self.name), OutboundTimeout(min(_CONNECT, total), total)
            ) as client,
        ):
            try:
                return self._read(client, request, span)
            except httpx.TimeoutException as error:
                seconds = f"{self.timeout.total_seconds():g}"
                sentence, sort = f"The service {self.name} did not answer within {seconds} s.", "timeout"
                fail_span(span, type(error).__qualname__, sentence)
            except httpx.TransportError as error:
                sentence, sort = (
                    f"The service {self.name} cannot be reached: {redacted(str(error))}.",
                    "connection",
                )
                fail_span(span, type(error).__qualname__, sentence)
            raise Unanswered(sentence, sort)

    def _read(self, client: httpx.Client, request: Request, span: Span) -> bytes:
        carrier = span_carrier(span)
        headers = {**request.headers, **(carrier.as_dict() if carrier else {})}
        with client.stream(request.method, request.url, headers=headers, content=request.content) as response:
            status = response.status_code
            describe_response(span, status)
            answer = read_at_most(response, self.source.max_bytes + 1)
            if not response.is_success:
                raise self._refused(status, answer, _wait(response.headers.get("Retry-After")))
        if len(answer) > self.source.max_bytes:
            raise PermanentError(
                f"The answer of {self.name} has more than {self.source.max_bytes // 2**20} MiB: ask for less,"
                " or raise max_bytes of the source."
            )
        return answer

    def _refused(self, status: int, answer: bytes, wait: float | None) -> PermanentError | Unanswered:
        said = f"The service {self.name} answered {status}"
        if status == _TOO_MANY:
            return Unanswered(f"{said}: it has too many requests.", "429", wait)
        if status >= 500:
            return Unanswered(
                f"{said}{self._quoted(answer)}", "5xx", wait if status == _UNAVAILABLE else None
            )
        if 300 <= status < 400:
            return PermanentError(f"{said}: redirects are not followed; give the address that it leads to.")
        return PermanentError(f"{said}{self._quoted(answer)}")

    def _quoted(self, answer: bytes) -> str:
        """The beginning, without what we have sent as secrets, and what else looks like one."""
        text = answer[: 4 * _QUOTED_CHARACTERS].decode(errors="replace")
        for secret in self._secret_headers().values():
            for part in {secret, secret.rpartition(" ")[2]} - {""}:
                text = text.replace(part, REDACTED)
        line = " ".join(redacted(text).split())[:_QUOTED_CHARACTERS]
        return f": {line}" if line else "."


def _wait(header: str | None) -> float | None:
    """Seconds, of a Retry-After that can be read."""
    if header is None:
        return None
    if re.fullmatch(r"\d{1,6}", header.strip()):
        return float(header)
    try:
        at = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (at - datetime.now(UTC)).total_seconds()) if at.tzinfo else None
