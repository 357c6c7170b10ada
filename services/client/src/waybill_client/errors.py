"""What can go wrong between a client and its server, each as a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass

from waybill_client.trace import Trace

_SERVER_ERROR = 500


class ClientError(Exception):
    """Base of every error that the client raises; its message is a sentence for a person."""


class ServerUnreachableError(ClientError):
    """No answer came: nothing listens there, or the connection broke, more often than we retry."""

    def __init__(self, server: str, url: str, reason: str) -> None:
        super().__init__(f"Cannot reach {server} at {url}: {reason}.")
        self.server = server


class NotSendableError(ClientError):
    """The request holds what HTTP or JSON cannot carry. Nothing was sent."""

    def __init__(self, error: Exception) -> None:
        reason = str(error)
        if isinstance(error, UnicodeEncodeError):
            reason = f"{error.object[error.start : error.end]!r} cannot be encoded as {error.encoding}"
        super().__init__(f"The request cannot be sent: {reason}.")


class CredentialError(ClientError):
    """A token cannot be read, or HTTP cannot carry it. Nothing was sent; the message has no part of it."""


class CertificateFileError(ClientError):
    """The file with the authorities that are trusted cannot be used. Nothing was sent."""


class UnexpectedAnswerError(ClientError):
    """Something answered that is not the server we know."""


class ArtefactError(ClientError):
    """There is no artefact, or what was received is not what was announced."""


@dataclass(frozen=True)
class FieldError:
    """One entry of a problem's `errors`; `field` is dotted, as in `parameters.month`."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


class ProblemError(ClientError):
    """The server refused, with a problem as RFC 9457 describes it."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str | None = None,
        errors: Sequence[FieldError] = (),
        trace_id: str | None = None,
        retry_after: float | None = None,
        server: str = "",
        page: str | None = None,
    ) -> None:
        """`page`: the address of the page of the report that it is about."""
        sentence = f"{title}: {detail}" if detail and detail != title else title
        # a detail may well repeat what is wrong with the fields
        fields = "; ".join(str(error) for error in errors if error.message not in sentence)
        more = f" ({fields})" if fields else ""
        # a person who looks for the reason of the server's own error finds it by the trace
        trace = f" Its trace is {trace_id}." if trace_id and status >= _SERVER_ERROR else ""
        # a longer time than we wait for: shorter ones are waited for before this is raised
        later = "" if not retry_after else f" It asks to be called again in {retry_after:.0f} s."
        place = f" See {page}" if page else ""
        super().__init__(f"{sentence.rstrip('.')}{more}.{later}{trace}{place}")
        self.status = status
        self.title = title
        self.detail = detail
        self.errors = tuple(errors)
        self.trace_id = trace_id
        self.retry_after = retry_after
        """Seconds."""
        self.server = server
        self.page = page


class AccessDeniedError(ProblemError):
    """The server does not know who asks (401), or they have no right to this (403)."""


class TraceIncompleteError(ClientError):
    """The time-out passed before all of a trace had arrived; `trace` is what there is, if anything."""

    def __init__(self, trace_id: str, seconds: float, missing: Sequence[str], trace: Trace | None) -> None:
        super().__init__(f"Trace {trace_id} is not complete after {seconds:g} s: {'; '.join(missing)}.")
        self.missing = tuple(missing)
        self.trace = trace
