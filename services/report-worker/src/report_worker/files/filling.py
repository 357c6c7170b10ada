"""The values that texts name in braces."""

import pyarrow as pa

from report_worker.files.document import Document, Result
from report_worker.files.formats import Style, style_of, text
from report_worker.files.normal import python_values
from report_worker.files.reading import Source
from report_worker.files.words import clean, parameter_value, value_in_words
from waybill.definitions import Figure, Format
from waybill.definitions.braces import Reference, fill, references
from waybill.errors import PermanentError


class Values:
    """Values for people, from the parameters and the first rows of the results, each read once."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._first: dict[str, tuple[Source, list[pa.ChunkedArray]]] = {}

    def fill(self, words: str) -> str:
        """The text with its values."""
        return fill(words, self.of, clean)

    def of(self, reference: Reference) -> str:
        """Raises `PermanentError` where there is no such parameter or column."""
        if reference.column is None:
            return self._parameter(reference)
        form = Format(reference.format) if reference.format in list(Format) else None
        given = Figure(label="-", value=f"{reference.name}.{reference.column}", format=form)
        return self.figure(given)

    def figure(self, figure: Figure) -> str:
        """A column of the first row, in the figure's format; of an empty or missing result, a dash."""
        value, style = self.first(figure)
        return clean(text(next(iter(python_values(value)), None), style))

    def first(self, figure: Figure) -> tuple[pa.Array, Style]:
        """The same as a column, of one row or of none, and its style."""
        step, column = figure.value.split(".", 1)
        if step in self._document.missing:
            return pa.nulls(0), Style()
        source, columns = self._first_row(step)
        place = source.find(column)
        value = pa.concat_arrays(columns[place].chunks) if columns[place].num_chunks else pa.nulls(0)
        return value, style_of(source.types[place], figure, python_values(value))

    def missing(self, *texts: str) -> list[str]:
        """Which of the steps that the texts name are missing, without doubles."""
        named = dict.fromkeys(one.name for words in texts for one in references(words) if one.column)
        return [step for step in named if step in self._document.missing]

    def _parameter(self, reference: Reference) -> str:
        value = parameter_value(self._document.parameters, reference.name)
        return value_in_words(value, self._document.definition.parameters.get(reference.name))

    def _first_row(self, step: str) -> tuple[Source, list[pa.ChunkedArray]]:
        if step not in self._first:
            with Source(result_of(self._document, step)) as source:
                self._first[step] = source, source.head(1).columns
        return self._first[step]


def heading(document: Document, values: Values) -> str:
    """The heading with its values."""
    return values.fill(document.definition.heading or document.definition.title)


def result_of(document: Document, step: str) -> Result:
    """Raises `PermanentError` where the report has no such step."""
    if step not in document.results:
        raise PermanentError(f"{step}: the report has no result of this step.")
    return document.results[step]
