"""Markdown to HTML: no HTML of its own, no images, links to http, https and mail alone."""

from collections.abc import MutableMapping, Sequence
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markupsafe import Markup

from report_worker.files.filling import Values
from report_worker.files.words import clean
from waybill.definitions.braces import Reference, parts

_SCHEMES = ("https://", "http://", "mailto:")
_SHIFT = 2
"""A first-level heading of a text is one of the third level of the page."""


def to_html(words: str, values: Values) -> Markup:
    """Values in braces are put in after the Markdown is read: they are text whatever they contain."""
    return Markup(_parser().render(clean(words), {"values": values}))  # noqa: S704 - rendered with html off


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])
    parser.disable(["image", "html_inline", "html_block", "entity"])
    parser.validateLink = _is_allowed  # type: ignore[method-assign]
    parser.inline.ruler.before("escape", "value", _read_value)
    parser.core.ruler.push("page", _fit_into_page)
    parser.add_render_rule("value", _render_value)
    return parser


def _is_allowed(url: str) -> bool:
    return url.lower().startswith(_SCHEMES)


def _read_value(state: StateInline, silent: bool) -> bool:
    """Braces, by the same grammar as in every other text of a definition."""
    if state.src[state.pos] not in "{}":
        return False
    piece = next(parts(state.src[state.pos : state.posMax]))
    if isinstance(piece, Reference):
        length = state.src.index("}", state.pos) + 1 - state.pos
    else:
        length = 2 if isinstance(piece, str) else 1
    if not silent:
        token = state.push("value", "", 0)
        token.content = state.src[state.pos]
        token.meta = {"reference": piece if isinstance(piece, Reference) else None}
    state.pos += length
    return True


def _render_value(
    _renderer: RendererHTML, tokens: Sequence[Token], place: int, _: Any, env: MutableMapping[str, Any]
) -> str:
    reference = tokens[place].meta["reference"]
    if reference is None:
        return tokens[place].content
    return f"<bdi>{escape(env['values'].of(reference))}</bdi>"


def _fit_into_page(state: Any) -> None:
    for token in state.tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + _SHIFT)}"
        for inner in token.children or ():
            if inner.type == "link_open":
                inner.attrSet("rel", "noopener noreferrer")
