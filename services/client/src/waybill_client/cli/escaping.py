"""Text from elsewhere, shown so that it does nothing to the terminal.

A server's texts come from many hands. What is not visible in them, such as an escape sequence or a switch of
the writing's direction, is shown as an escape; nothing is left out.
"""

import json
import re
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

_INVISIBLE = re.compile(
    "[\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f"  # control characters but the line feed
    "\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069"  # line breaks, and directions of writing
    "\\ud800-\\udfff\\ufff9-\\ufffb]"
)


def shown(text: str) -> str:
    """With escapes such as `\\x1b`; line feeds stay."""
    return _INVISIBLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def one_line(text: str) -> str:
    """The same, and line feeds are escapes too."""
    return shown(text).replace("\n", "\\n")


def json_text(data: Any, indent: int | None = None) -> str:
    """JSON, with what is not visible in its strings as JSON's own escapes."""
    text = json.dumps(data, ensure_ascii=False, indent=indent)
    return _INVISIBLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class SafeConsole(Console):
    """Shows every text as `shown` does, whatever is printed; it takes texts literally.

    Text that is measured before it is rendered, such as a column of our own, should be escaped before that.
    """

    def __init__(self, **options: Any) -> None:
        # a [word] in a text is no style, and :key: no picture
        super().__init__(highlight=False, markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(shown(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(shown(segment.text), segment.style)
