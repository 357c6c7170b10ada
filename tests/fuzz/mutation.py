"""Valid input, changed in a few places: so that it gets deeper than what is random throughout."""

import json
from collections.abc import Sequence
from typing import Any

from tests.fuzz.choices import Choices

ODD_TEXTS: Sequence[str] = (
    *("", " ", "a", "\0", "a\0b", "\t", "\r\n", "\n", "\x1b[2J", "\x7f", "\x85", "\xa0", "\u2028", "\ufeff"),
    *("é", "e\u0301", "ﬀ", "İ", "ß", "\u017f", "\u212a", "ⅷ", "²", "٣", "\uff11", "🏳️‍🌈", "👩‍👩‍👧"),
    *("\U0010ffff", "\uffff", "\ud800", "\udfff", "\ud83d", "\u202e", "\u200b", "\u200d", "\u2066"),
    *("a\u0300" * 40, "Ω" * 200, "\ud800\udc00"),
    *("..", "../..", "/", "//", "\\", "%", "%00", "%2e%2e", "%ff", "%u0000", "?", "#", "@", ":", ";", ","),
    *("=", '"', '""', "'", "''", "`", "<", "<script>", "${x}", "{{7*7}}", "$(id)", "';--", "{}", "[]", "*"),
    *("null", "None", "true", "NaN", "Infinity", "-0", "00", "1e400", "1e-400", "0x10", "1_000", "+1", "1.0"),
    *("-1", "0", "5", "6", "2147483648", "9223372036854775808", "9" * 400, "9" * 5000, "-" + "9" * 30),
    *("a" * 64, "a" * 100, "a" * 101, "a" * 255, "a" * 256, "a" * 1025, "a" * 20_000, " " * 300, "," * 300),
    *("[" * 2000, "(" * 500, '{"a":' * 500, "-" * 100, "0" * 32, "f" * 32, "default", "anonymous", "admin"),
    *("1970-01-01", "9999-12-31", "10000-01-01", "2013-02-29", "2013-02-30T24:00:00Z", "0000-00-00"),
    *("urn:uuid:019ab000-0000-7000-8000-000000000001", "{019ab000000070008000000000000001}"),
)
ODD_NUMBERS: Sequence[Any] = (
    *(0, 1, -1, 2, 5, 6, 255, 256, 2**31, -(2**31) - 1, 2**53, 2**53 + 1, 2**63 - 1, 2**63),
    *(-(2**63) - 1, 2**64, 10**30, -(10**100), True, False),
    *(0.0, -0.0, 0.1, 1.0, 1.5, 1e-320, 1e16, 1.7976931348623157e308, 2.5e-7),
    *(float("inf"), float("-inf"), float("nan")),
)
_BYTES: Sequence[bytes] = (
    *(b"\0", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xf4\x90\x80\x80", b"\xfe\xff"),
    *(b'"', b"\\", b"\\u0000", b"\\ud800", b"{", b"}", b"[", b"]", b",", b":", b"\r\n", b"\n", b" "),
    *(b"NaN", b"1e999", b"null", b"\x1b", b"%", b".", b"=", b"-", b"_"),
    *(b"9" * 5000, b"[" * 3000, b"A" * 3000),
)
_MOST = 3
"""Changes of one case, at most."""


def odd_text(choices: Choices) -> str:
    text = choices.one(ODD_TEXTS)
    return text + choices.one(ODD_TEXTS) if choices.rarely(4) else text


def odd_value(choices: Choices) -> Any:
    """JSON of any sort."""
    match choices.below(8):
        case 0:
            return None
        case 1 | 2:
            return odd_text(choices)
        case 3 | 4:
            return choices.one(ODD_NUMBERS)
        case 5:
            return [odd_text(choices) for _ in range(choices.below(4))]
        case 6:
            return {odd_text(choices): choices.one(ODD_NUMBERS) for _ in range(choices.below(4))}
        case _:
            return nested(choices.one((1, 3, 31, 33, 100, 400, 900)), choices.one(([], {}, "a", 1, None)))


def nested(depth: int, inmost: Any) -> Any:
    """In lists and objects by turns."""
    for level in range(depth):
        inmost = [inmost] if level % 2 else {"a": inmost}
    return inmost


def _somewhere(choices: Choices, length: int) -> int:
    """Often at an end."""
    match choices.below(4):
        case 2:
            return 0
        case 3:
            return length
        case _:
            return choices.below(max(1, length))


def mutated_bytes(choices: Choices, valid: bytes, most: int = _MOST) -> bytes:
    """With bits flipped, and pieces put in, taken out, doubled or cut off."""
    data = bytearray(valid)
    for _ in range(choices.some(most)):
        at = min(_somewhere(choices, len(data)), max(0, len(data) - 1))
        match choices.below(6):
            case 0 if data:
                data[at] ^= 1 << choices.below(8)
            case 1:
                data[at:at] = choices.one(_BYTES)
            case 2:
                del data[at : at + 1 + choices.below(8)]
            case 3:
                data[at:at] = data[at : at + 1 + choices.below(64)]
            case 4:
                data[at : at + 1] = bytes([choices.below(256)])
            case _:
                del data[at:]
    return bytes(data)


def mutated_text(choices: Choices, valid: str, most: int = _MOST) -> str:
    for _ in range(choices.some(most)):
        at = _somewhere(choices, len(valid))
        match choices.below(7):
            case 0:
                valid = valid[:at] + odd_text(choices) + valid[at:]
            case 1:
                valid = valid[:at] + valid[at + 1 + choices.below(8) :]
            case 2:
                valid = valid[:at] + valid[at : at + 1 + choices.below(64)] + valid[at:]
            case 3:
                valid = valid[:at] + chr(choices.below(128)) + valid[at + 1 :]
            case 4:
                valid = valid[:at]
            case 5:
                valid = valid.swapcase()
            case _:
                valid = odd_text(choices)
    return valid


def mutated_json(choices: Choices, valid: Any, most: int = _MOST) -> Any:
    """A copy, with values replaced, and fields and items removed, renamed, doubled or added, at any depth."""
    changed = [json.loads(json.dumps(valid))]
    for _ in range(choices.some(most)):
        holder, key = _place(choices, changed)
        match choices.below(6):
            case 0 | 1:
                holder[key] = odd_value(choices)
            case 2 if holder is not changed:
                del holder[key]
            case 3:
                holder[key] = _altered(choices, holder[key])
            case 4 if isinstance(holder, dict):
                holder[odd_text(choices)] = holder.pop(key)
            case 5 if isinstance(holder[key], dict):
                holder[key][odd_text(choices)] = odd_value(choices)
            case _:
                holder[key] = [holder[key], holder[key]]
    return changed[0]


def _place(choices: Choices, holder: Any) -> tuple[Any, Any]:
    """Somewhere in it, seldom the whole."""
    while True:
        keys = list(holder) if isinstance(holder, dict) else range(len(holder))
        key = choices.one(keys)
        inner = holder[key]
        if not isinstance(inner, dict | list) or not inner or choices.rarely(6):
            return holder, key
        holder = inner


def _altered(choices: Choices, value: Any) -> Any:
    """Nearly the same, or the same as another type."""
    if isinstance(value, str):
        return mutated_text(choices, value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return json.dumps(value, default=str)[:1000]
    return choices.one(
        (value + 1, -value, str(value), float(value) if abs(value) < 1e300 else value, [value])
    )


def json_bytes(choices: Choices, value: Any) -> bytes:
    """Its JSON, or seldom nearly that; also in another encoding, or with a field that is there twice."""
    text = json.dumps(value)
    match choices.below(12):
        case 9:
            text = text.replace("{", '{"kind": "twice", ', 1)
        case 10:
            return text.encode(choices.one(("utf-16", "utf-32", "utf-16-be", "utf-8-sig")))
        case 11:
            return mutated_bytes(choices, text.encode(), 2 * _MOST)
        case _:
            pass
    return text.encode()
