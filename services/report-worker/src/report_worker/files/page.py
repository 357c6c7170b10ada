"""The page: what HTML is, and of what PDF is made."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from report_worker.files.charts import ChartView, draw
from report_worker.files.checking import part
from report_worker.files.document import Document
from report_worker.files.filling import Values, heading, result_of
from report_worker.files.limits import Budget, html_budget, pdf_budget
from report_worker.files.markdown import to_html
from report_worker.files.reading import Source
from report_worker.files.tables import TableView, view
from report_worker.files.words import clean, parameters_in_words
from waybill.definitions import Block, ChartBlock, Figure, FiguresBlock, Section, Table, TableBlock

_CONTENTS_FROM = 5
"""With as many titled sections a page has a list of them."""


class Medium(StrEnum):
    SCREEN = "screen"
    PAPER = "paper"


@dataclass(frozen=True)
class BlockView:
    """One block; `content` is what its `what` says. `missing`: why a step that it needs gave nothing."""

    what: str
    title: str | None = None
    content: Any = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class SectionView:
    anchor: str
    title: str | None
    blocks: list[BlockView]


def render(document: Document, medium: Medium) -> str:
    """The whole page, the same for equal documents. Raises `PermanentError` where a column is not there."""
    values = Values(document)
    budget = html_budget() if medium is Medium.SCREEN else pdf_budget()
    sections = list(_Sections(document, values, budget, medium).views())
    titled = [one for one in sections if one.title]
    return (
        _environment()
        .get_template("page.html.jinja")
        .render(
            heading=heading(document, values),
            parameters=list(parameters_in_words(document.definition, document.parameters)),
            contents=titled if len(titled) >= _CONTENTS_FROM else [],
            sections=sections,
            description=clean(document.definition.description),
            paper=medium is Medium.PAPER,
        )
    )


class _Sections:
    """Makes the views of a document's sections in order: what one shows is taken from the page's budget."""

    def __init__(self, document: Document, values: Values, budget: Budget, medium: Medium) -> None:
        self._document = document
        self._values = values
        self._budget = budget
        self._medium = medium
        self._charts = 0

    def views(self) -> Iterator[SectionView]:
        for number, section in enumerate(self._given()):
            title = self._values.fill(section.title) if section.title else None
            blocks = []
            for place, block in enumerate(section.blocks):
                with part(("sections", number, "blocks", place)):
                    blocks.append(self._block(block))
            yield SectionView(f"section-{number + 1}", title, blocks)

    def _given(self) -> list[Section]:
        """Those of the definition; without any, the last step's table."""
        definition = self._document.definition
        if definition.sections:
            return definition.sections
        table = Table.model_validate({"from": definition.steps[-1].name})
        return [Section(blocks=[TableBlock(table=table)])]

    def _block(self, block: Block) -> BlockView:
        if isinstance(block, FiguresBlock):
            return self._figures(block)
        if isinstance(block, TableBlock):
            return self._table(block)
        if isinstance(block, ChartBlock):
            return self._chart(block)
        if missing := self._reasons(self._values.missing(block.text)):
            return BlockView("text", missing=missing)
        return BlockView("text", content=to_html(block.text, self._values))

    def _figures(self, block: FiguresBlock) -> BlockView:
        def step(figure: Figure) -> str:
            return figure.value.split(".", 1)[0]

        here = [one for one in block.figures if step(one) not in self._document.missing]
        missing = dict.fromkeys(step(one) for one in block.figures if step(one) in self._document.missing)
        content = [(clean(one.label), self._values.figure(one)) for one in here]
        return BlockView("figures", content=content, missing=self._reasons(list(missing)))

    def _table(self, block: TableBlock) -> BlockView:
        title = self._title(block.table.title)
        if missing := self._reasons([block.table.source]):
            return BlockView("table", title, missing=missing)
        with Source(result_of(self._document, block.table.source)) as source:
            content: TableView = view(source, block.table, self._budget)
        return BlockView("table", title, content)

    def _chart(self, block: ChartBlock) -> BlockView:
        title = self._title(block.chart.title)
        if missing := self._reasons([block.chart.source]):
            return BlockView("chart", title, missing=missing)
        self._charts += 1
        with Source(result_of(self._document, block.chart.source)) as source:
            content: ChartView = draw(
                source,
                block.chart,
                name=f"chart-{self._charts}",
                title=title,
                vary=self._medium is Medium.SCREEN,
            )
        return BlockView("chart", title, content)

    def _title(self, words: str | None) -> str | None:
        return self._values.fill(words) if words else None

    def _reasons(self, steps: list[str]) -> tuple[str, ...]:
        titles = {one.name: one.title or one.name for one in self._document.definition.steps}
        missing = self._document.missing
        return tuple(clean(f"{titles.get(one, one)}: {missing[one]}") for one in steps if one in missing)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("report_worker.files", package_path="."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["svg"] = Markup  # drawn by us: `charts` escapes what is of the data
    return environment
