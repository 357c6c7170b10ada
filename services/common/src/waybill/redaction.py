"""Texts and data without the secrets that they may quote: for logs, spans, and the errors of jobs."""

import re
from collections.abc import Mapping
from typing import Any

REDACTED = "REDACTED"
"""What stands where a secret was."""

_WORDS = (
    r"token|secret|passw(?:or)?d|passw|pwd|passphrase|signature|credential(?!s:)|authorization|code[_-]verifier"
    r"|(?:api|access|account|private)[_-]?key"
)
"""`credentials:` goes on as a sentence."""
_NAME = rf"(?:{_WORDS})(?P<more>[\w.-]{{1,60}})?|(?:\b|(?<=%26)|(?<=%3F))sig"
"""From the word that makes a name a secret's. All repeats around it are bounded: no text takes long."""
_QUOTE = r"""(?:\\{0,4}["']|%22|%27)"""
_PORT = r"\d{1,5}(?:[/:.,\s]|$)"
_ASSIGN = rf"(?::?={{1,3}}>?|:(?(more)(?!{_PORT}))|%(?:25){{0,3}}3[AD])"
"""`token-service:8080` assigns nothing."""

_BARE = r"""(?![\[\]{}]+(?:\s|$))[^\s&;,"'<>()\\]+"""
"""A value without quotes; a bracket alone is none, as in `unexpected token: }`."""
_QUOTED = (
    rf"(?:[\w.]{{0,40}}\()?[bfru]{{0,2}}(?P<quote>{_QUOTE})(?:(?!(?<!\\)(?P=quote))[\s\S])*(?:(?P=quote)|\Z)"
)
"""Also `b'…'` and `SecretStr('…')`. A text may be cut off before the quote that closes."""
_GROUP = r"\[[^\[\]]*\]|\{[^{}]*\}"

_IN_ADDRESS = re.compile(r"""(?<=://)[^\s/?#"'<>\\]*@""")
"""`http://user:password@host`, also where the password has an @ of its own."""
_AFTER_SCHEME = re.compile(
    rf"(?i)\b(bearer|authorization[^\w\n]{{1,8}}[\w-]{{1,40}})(?:[ \t]|%20){{1,8}}{_BARE}"
)
_SESSION = re.compile(r"""(?i)(waybill(?:-login)?=(?=[\w.-]{40})|session_secret[=:] ?)[^\s;"']+""")
"""A cookie of the API, in whatever header, and no version as in `waybill==1.2`; the secrets that sign it, of
which there may be several with commas."""
_SIGNING = re.compile(r"whsec_[A-Za-z0-9+/=,_-]+")
"""What signs webhooks, as Standard Webhooks writes it; several with commas."""
_ASSIGNED = re.compile(
    rf"(?i)(?P<name>(?:{_NAME}){_QUOTE}?[ \t]{{0,8}}{_ASSIGN}[ \t]{{0,8}})(?:{_QUOTED}|{_GROUP}|{_BARE})"
)
_SECRET_NAME = re.compile(rf"(?i){_WORDS}|\bsig$")


def redacted(text: str) -> str:
    """`text` with `REDACTED` for a user and password in an address, for what is assigned to a name such as
    `token` or `password`, in a query, a header, JSON or Python, for what stands behind `Bearer`, and for the
    cookie of a session."""
    text = _IN_ADDRESS.sub(f"{REDACTED}@", text)
    text = _SESSION.sub(rf"\1{REDACTED}", text)
    text = _SIGNING.sub(REDACTED, text)
    text = _AFTER_SCHEME.sub(rf"\1 {REDACTED}", text)
    return _ASSIGNED.sub(rf"\g<name>\g<quote>{REDACTED}\g<quote>", text)


def redacted_data(data: Any, name: str = "") -> Any:
    """`data`, which has `name`, with every text in it redacted, and what has a secret's name as a whole.

    What is no text, number, list or mapping becomes the text that shows it.
    """
    if data is None or isinstance(data, bool):
        return data
    if _SECRET_NAME.search(name):
        return REDACTED
    if isinstance(data, int | float):
        return data
    if isinstance(data, str):
        return redacted(data)
    if isinstance(data, Mapping):
        return {redacted(str(key)): redacted_data(value, str(key)) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [redacted_data(value) for value in data]
    return redacted(repr(data))
