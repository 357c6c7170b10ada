"""Bytes of unknown sort, for people to look at."""

from dataclasses import dataclass
from typing import Final

_COLUMNS: Final = 16


@dataclass(frozen=True)
class Shown:
    """`text`, or lines of hex digits with what of them can be printed. `size`: bytes that are shown."""

    text: str
    is_hex: bool
    size: int


def shown(content: bytes | None) -> Shown | None:
    """As text where it is UTF-8 that can be printed, whatever was cut off at its end; else as hex."""
    if content is None:
        return None
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        # at most the last character is incomplete: the end was cut off
        is_cut = error.end == len(content) and len(content) - error.start < 4 and error.start > 0
        text = content[: error.start].decode() if is_cut and error.reason == "unexpected end of data" else ""
    if content and all(letter.isprintable() or letter in "\n\t\r" for letter in text) and text:
        return Shown(text, is_hex=False, size=len(content))
    return Shown(_hex(content), is_hex=True, size=len(content))


def _hex(content: bytes) -> str:
    lines = []
    for place in range(0, len(content), _COLUMNS):
        row = content[place : place + _COLUMNS]
        digits = row.hex(" ").ljust(3 * _COLUMNS - 1)
        letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"{place:06x}  {digits}  {letters}")
    return "\n".join(lines)
