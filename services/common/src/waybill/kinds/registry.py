"""Finds the installed kinds by their entry points."""

from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points

from waybill.errors import WaybillError
from waybill.kinds.definition import Kind

GROUP = "waybill.kinds"


class UnknownKind(WaybillError):  # noqa: N818 - the name is the sentence
    """No installed kind has this name."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"There is no kind {name!r}. The kinds are: {', '.join(known)}.")
        self.name = name
        self.known = known


class Registry:
    """The installed kinds, in the order of their names."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self._kinds = {kind.name: kind for kind in sorted(kinds, key=lambda kind: kind.name)}

    def __getitem__(self, name: str) -> Kind:
        """Raises `UnknownKind`."""
        if name not in self._kinds:
            raise UnknownKind(name, list(self._kinds))
        return self._kinds[name]

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._kinds.values())


def load_registry() -> Registry:
    """Every `Kind` that an installed package offers under the entry point group `waybill.kinds`."""
    return Registry(entry.load() for entry in entry_points(group=GROUP))
