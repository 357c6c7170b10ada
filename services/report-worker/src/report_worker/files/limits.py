"""How much the files for people show, for the memory and time that more would take."""

from dataclasses import dataclass

MAX_TEXT = 500
"""Characters of a cell."""


@dataclass
class Budget:
    """What a page may show. `table`: cells of a table; `columns`: of a table; `page`: cells left. `paper`: a
    table must fit onto it."""

    table: int
    columns: int
    page: int
    paper: bool = False

    def rows_at_most(self, wanted: int, columns: int) -> int:
        """How many of the rows a table of that width may show, at least one."""
        return max(1, min(wanted, min(self.table, self.page) // max(columns, 1)))

    def rows(self, wanted: int, columns: int) -> int:
        """The same; they are counted."""
        rows = self.rows_at_most(wanted, columns)
        self.page = max(0, self.page - rows * columns)
        return rows


def html_budget() -> Budget:
    return Budget(table=100_000, columns=200, page=300_000)


def pdf_budget() -> Budget:
    """A page that uses all of it takes 20 s of processor time and 720 MiB."""
    return Budget(table=10_000, columns=60, page=20_000, paper=True)
