"""What a case is made from: a few bytes, read as choices."""

from collections.abc import Sequence
from typing import TypeVar

Option = TypeVar("Option")


class Choices:
    """A target makes its whole input by these, so that the bytes alone repeat the case.

    Zeros, and what is left when the bytes are used up, are each time the first option: put what is valid and
    plain there. So a case of fewer and lower bytes is a simpler one, which is what Hypothesis looks for.
    """

    def __init__(self, recipe: bytes) -> None:
        self._recipe = recipe
        self._next = 0

    def below(self, end: int) -> int:
        """From 0 to `end` - 1."""
        size = 1 if end <= 0x100 else 2 if end <= 0x10000 else 4
        read = self._recipe[self._next : self._next + size]
        self._next += size
        return int.from_bytes(read, "big") % end

    def one(self, options: Sequence[Option]) -> Option:
        return options[self.below(len(options))]

    def rarely(self, of: int) -> bool:
        """True once in so many times."""
        return self.below(of) == of - 1

    def some(self, most: int) -> int:
        """How many: 0 in about half of the cases, so that valid input comes too."""
        return max(0, self.below(2 * most) - most + 1)
