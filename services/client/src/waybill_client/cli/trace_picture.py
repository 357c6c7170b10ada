"""A trace as an SVG picture, for a page or a ticket."""

import re
from io import StringIO

from rich._export_format import CONSOLE_SVG_FORMAT

from waybill_client.cli.escaping import SafeConsole
from waybill_client.cli.trace_view import TraceView

_WIDTH = 104
_FONT_FROM_ELSEWHERE = re.compile(r"@font-face \{\{.*?\}\}", re.DOTALL)
_FORMAT = _FONT_FROM_ELSEWHERE.sub("", CONSOLE_SVG_FORMAT).replace("Fira Code", "DejaVu Sans Mono")


def trace_svg(view: TraceView, title: str) -> str:
    """The same lines as in a terminal; it loads nothing, not even a font."""
    console = SafeConsole(
        record=True, file=StringIO(), width=_WIDTH, force_terminal=True, color_system="truecolor"
    )
    console.print(view)
    return console.export_svg(title=title, code_format=_FORMAT)
