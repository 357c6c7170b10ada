"""The carrier in a message's headers."""

from collections.abc import Iterable

from waybill.domain import Carrier

Headers = Iterable[tuple[str, bytes | str | None]]


def headers_for(carrier: Carrier | None) -> list[tuple[str, str | bytes | None]]:
    """Headers of a message made here: there are no others to mix with, so each name stands once."""
    return [(name, text.encode()) for name, text in carrier.as_dict().items()] if carrier else []


def carrier_from_headers(headers: Headers | None) -> Carrier | None:
    """The last `traceparent` and `tracestate` that are text.

    A forwarded message may carry a second, newer header of the same name after a stale one; a value may be
    None or bytes that are not UTF-8, which are skipped.
    """
    texts: dict[str, str] = {}
    for name, value in headers or ():
        text = _text(value)
        if text is not None:
            texts[name.lower()] = text
    return Carrier.from_mapping(texts)


def _text(value: bytes | str | None) -> str | None:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return None
    return value
