"""What a server says of a step's SQL."""

from waybill.errors import PermanentError


class SqlError(PermanentError):
    """With the place in the SQL, where it is known: line and column from 1, of which the second may be
    missing."""

    def __init__(self, sentence: str, place: tuple[int, int | None] | None = None) -> None:
        self.sentence = sentence
        self.place = place
        super().__init__(f"{sentence}{_in_words(place)}")


def _in_words(place: tuple[int, int | None] | None) -> str:
    if place is None:
        return ""
    line, column = place
    return f" It is in line {line} of the SQL{f', column {column}' if column else ''}."
