"""Texts without the secrets that they may quote: for logs, spans, and the errors of jobs."""

import re

_REDACTED = "REDACTED"
_VALUE = r"""[^\s&;,"'<>()\\]+"""
_IN_QUOTES = r"""'[^'"\\]*'"""
_WORDS = r"token|secret|passw|pwd|passphrase|signature|credential|api[_-]?key|access[_-]?key|auth"
_SECRET = rf"[\w.-]{{0,40}}(?:{_WORDS})[\w.-]{{0,40}}|sig"
"""A name; bounded, so that no text takes long."""
_PATTERNS = (
    # http://user:password@host, also where the password has an @ of its own
    (re.compile(r"""(?<=://)[^\s/?#"'<>\\]*@"""), f"{_REDACTED}@"),
    # ?token=…, password=…
    (re.compile(rf"(?i)\b({_SECRET})=(?:{_IN_QUOTES}|{_VALUE})"), rf"\1={_REDACTED}"),
    (re.compile(rf"(?i)\b(bearer|authorization: *\w+) +{_VALUE}"), rf"\1 {_REDACTED}"),
)


def redacted(text: str) -> str:
    """`text` with `REDACTED` for a user and password in an address, for what is assigned to a name such as
    `token` or `password`, in a query or elsewhere, and for what stands behind `Bearer`."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text
