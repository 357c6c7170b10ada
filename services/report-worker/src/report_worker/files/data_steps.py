"""Which results the files for programs have, and what these files are called."""

from collections.abc import Iterator
from pathlib import Path

from report_worker.files.document import Document, Result
from report_worker.files.filling import result_of
from report_worker.files.naming import file_name
from waybill.definitions import Block, Definition, TableBlock


def data_steps(definition: Definition) -> list[str]:
    """Those of `data`; without it, those that tables show; without tables, the last."""
    if definition.data:
        return list(dict.fromkeys(definition.data))
    blocks: list[Block] = [block for section in definition.sections for block in section.blocks]
    shown = [block.table.source for block in blocks if isinstance(block, TableBlock)]
    return list(dict.fromkeys(shown)) or [definition.steps[-1].name]


def data_results(document: Document) -> list[Result]:
    """Their results in order, without those that are missing."""
    steps = data_steps(document.definition)
    return [result_of(document, step) for step in steps if step not in document.missing]


def data_files(document: Document, folder: Path, suffix: str) -> Iterator[tuple[Result, Path]]:
    """A file for each; with the name of its step if the definition has several."""
    several = len(data_steps(document.definition)) > 1
    for result in data_results(document):
        part = result.name if several else ""
        yield result, folder / file_name(document.definition, document.parameters, suffix, part)
