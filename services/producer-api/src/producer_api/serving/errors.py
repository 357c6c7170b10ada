"""Why a request is refused before the application sees it."""

from waybill.errors import WaybillError


class ArrivalError(WaybillError):
    """Base of these; the message is for the client. `kind` is the type of the problem that is answered."""

    kind: str


class RequestTooSlow(ArrivalError):  # noqa: N818 - the name is the sentence
    """The request was not complete in time."""

    kind = "request-timeout"


class HeadTooLarge(ArrivalError):  # noqa: N818 - the name is the sentence
    """The request line and header fields are too large together."""

    kind = "header-too-large"


class BodyTooLarge(ArrivalError):  # noqa: N818 - the name is the sentence
    """The body is larger than the limit, whether its length was given or it came in chunks."""

    kind = "body-too-large"
