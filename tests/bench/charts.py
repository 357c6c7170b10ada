"""Bar charts as SVG: text that a diff can show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _LABELS, _VALUES = 800, 230, 180
_ROW, _BAR, _TOP, _BOTTOM = 26, 16, 40, 14
_INK, _QUIET, _LINE = "#24292f", "#6e7781", "#cf222e"
_COLOURS = ("#0969da", "#1a7f37", "#bf8700", "#8250df", "#cf222e", "#57606a", "#1b7c83")


@dataclass(frozen=True)
class Bar:
    """One row: parts beside each other, by the names that the legend has; and what stands behind it."""

    label: str
    parts: Mapping[str, float]
    text: str

    @property
    def length(self) -> float:
        return sum(self.parts.values())


def bars(title: str, rows: Sequence[Bar], *, line: float | None = None, most: float | None = None) -> str:
    """`line`: a value that is marked across all rows. What is longer than `most` is cut off there."""
    names = list(dict.fromkeys(name for row in rows for name in row.parts))
    colours = dict(zip(names, _COLOURS * (1 + len(names) // len(_COLOURS)), strict=False))
    legend = names if len(names) > 1 else []
    longest = most or max([row.length for row in rows] + [line or 0]) or 1
    scale = (_WIDTH - _LABELS - _VALUES) / longest
    top = _TOP + (_ROW if legend else 0)
    height = top + _ROW * len(rows) + _BOTTOM
    shapes = [_text(12, 24, title, weight="bold"), *_legend(legend, colours)]
    for number, row in enumerate(rows):
        y = top + number * _ROW
        end, drawn = _row(row, y, scale, longest, colours)
        beside = end if line is None else _WIDTH - _VALUES  # so that the line crosses no text
        shapes += [*drawn, _text(beside + 8, y + 13, row.text, colour=_QUIET)]
    if line is not None:
        x = _LABELS + line * scale
        shapes.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top - 4}" y2="{height - _BOTTOM}" stroke="{_LINE}"'
            ' stroke-width="1.5" stroke-dasharray="4 3"/>'
        )
    body = "\n".join(shapes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}"'
        f' viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" font-size="13">\n'
        f'<title>{escape(title)}</title>\n<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )


def _row(
    row: Bar, y: int, scale: float, longest: float, colours: Mapping[str, str]
) -> tuple[float, list[str]]:
    """Where it ends, and its shapes."""
    shapes = [_text(_LABELS - 10, y + 13, row.label, anchor="end")]
    x, left = float(_LABELS), longest
    for name, value in row.parts.items():
        width = min(max(value, 0), left) * scale
        left -= min(max(value, 0), left)
        shapes.append(
            f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_BAR}" fill="{colours[name]}"/>'
        )
        x += width
    return x, shapes


def _legend(names: Sequence[str], colours: Mapping[str, str]) -> list[str]:
    shapes, x = list[str](), 12.0
    for name in names:
        shapes.append(f'<rect x="{x:.0f}" y="38" width="11" height="11" fill="{colours[name]}"/>')
        shapes.append(_text(x + 16, 48, name))
        x += 34 + 7.2 * len(name)
    return shapes


def _text(x: float, y: int, text: str, *, anchor: str = "start", weight: str = "", colour: str = _INK) -> str:
    bold = f' font-weight="{weight}"' if weight else ""
    return f'<text x="{x:.0f}" y="{y}" fill="{colour}" text-anchor="{anchor}"{bold}>{escape(text)}</text>'
