"""The carrier in a message's headers."""

from collections import defaultdict
from collections.abc import Iterable

from waybill.domain import Carrier, whole_members

Headers = Iterable[tuple[str, bytes | str | None]]


def headers_for(carrier: Carrier | None) -> list[tuple[str, str | bytes | None]]:
    """Headers of a message made here: there are no others to mix with, so each name stands once."""
    return [(name, text.encode()) for name, text in carrier.as_dict().items()] if carrier else []


def carrier_from_headers(headers: Headers | None) -> Carrier | None:
    """The last `traceparent` that is text, and its `tracestate`, which may be in several headers.

    A forwarded message may carry a second, newer pair after a stale one: then the last `tracestate` counts
    too. A value may be None or bytes that are not UTF-8, which are skipped.
    """
    texts: defaultdict[str, list[str]] = defaultdict(list)
    for name, value in headers or ():
        text = _text(value)
        if text is not None:
            texts[name.lower()].append(text)
    traceparents, tracestates = texts["traceparent"], texts["tracestate"]
    if not traceparents:
        return None
    own = tracestates if len(traceparents) == 1 else tracestates[-1:]
    return Carrier.from_mapping({"traceparent": traceparents[-1], "tracestate": whole_members(own)})


def _text(value: bytes | str | None) -> str | None:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return None
    return value
