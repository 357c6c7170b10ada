"""From matplotlib's SVG document to an element of a page."""

import re
from html import escape

_FONTS = "'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
_DOT = re.compile(
    r'\s*<use xlink:href="#\w+" x="([-\d.]+)" y="([-\d.]+)" style="fill: (#\w+); fill-opacity: ([\d.]+)"/>'
)
_DOTS = re.compile(rf"(?:{_DOT.pattern}){{2,}}")


def as_element(document: str, name: str, title: str, description: str) -> str:
    """Cuts what only a file of its own needs, and adds what a screen reader says.

    Matplotlib numbers its groups from 1 in each chart, so their ids would not be unique in the page.
    """
    element = document[document.index("<svg") :].rstrip()
    element = re.sub(r"\s*<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    element = re.sub(r"\s*<style[^>]*>.*?</style>", "", element, flags=re.DOTALL)
    element = re.sub(r'<g id="[^"]*"', "<g", element)
    element = element.replace(" font-family: 'DejaVu Sans';", "")
    element = _DOTS.sub(_as_one_path, element)
    spoken = (
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-text">{escape(description)}</desc>'
    )
    head, rest = element.split(">", 1)
    attributes = f'style="font-family: {_FONTS}" role="img" aria-labelledby="{name}-title {name}-text"'
    return f"{head} {attributes}>{spoken}{rest}"


def _as_one_path(found: re.Match[str]) -> str:
    """Dots, each an element in matplotlib's document, as lines without length and with round ends: thousands
    of elements take a browser long, and a PDF a minute."""
    dots = _DOT.findall(found[0])
    places = "".join(f"M{float(x):.1f} {float(y):.1f}h0" for x, y, _, _ in dots)
    _, _, color, opacity = dots[0]
    size = 3 if len(dots) <= 300 else 2
    style = (
        f"fill: none; stroke: {color}; stroke-opacity: {opacity}; stroke-width: {size}; stroke-linecap: round"
    )
    return f'\n<path d="{places}" style="{style}"/>'
