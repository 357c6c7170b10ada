"""Finds the installed kinds by their entry points.

What a package offers that cannot be used costs its own kind, never the service: it is left out, with a
sentence that says why.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from waybill.errors import WaybillError
from waybill.kinds.checks import fault_of
from waybill.kinds.definition import Kind

GROUP = "waybill.kinds"


class UnknownKind(WaybillError):  # noqa: N818 - the name is the sentence
    """No installed kind has this name."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"There is no kind {name!r}. The kinds are: {', '.join(known)}.")
        self.name = name
        self.known = known


@dataclass(frozen=True)
class BrokenKind:
    """A kind that an installed package offers and that cannot be used, and a sentence that says why."""

    name: str
    reason: str


class UnavailableKind(WaybillError):  # noqa: N818 - the name is the sentence
    """A kind of this name is installed, but cannot be used."""

    def __init__(self, broken: BrokenKind) -> None:
        super().__init__(f"The kind {broken.name} cannot be used here: {broken.reason}")
        self.name = broken.name


class Registry:
    """The installed kinds, in the order of their names; `broken` are those that cannot be used."""

    def __init__(self, kinds: Iterable[Kind], broken: Iterable[BrokenKind] = ()) -> None:
        self._kinds = {kind.name: kind for kind in sorted(kinds, key=lambda kind: kind.name)}
        self._broken = tuple(sorted(broken, key=lambda one: one.name))

    @property
    def broken(self) -> tuple[BrokenKind, ...]:
        return self._broken

    def _all(self) -> Mapping[str, Kind]:
        """By their names, in order."""
        return self._kinds

    def __getitem__(self, name: str) -> Kind:
        """Raises `UnknownKind`, or `UnavailableKind`."""
        kinds = self._all()
        if name not in kinds:
            for one in self.broken:
                if one.name == name:
                    raise UnavailableKind(one)
            raise UnknownKind(name, list(kinds))
        return kinds[name]

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._all().values())


def load_registry() -> Registry:
    """Every `Kind` that an installed package offers under the entry point group `waybill.kinds`."""
    return registry_of(entry_points(group=GROUP))


def registry_of(entries: Iterable[EntryPoint]) -> Registry:
    """A name that two packages offer is the name of neither."""
    offers: dict[str, list[_Offer]] = defaultdict(list)
    for entry in entries:
        offer = _load(entry)
        offers[offer.name].append(offer)
    kinds, broken = [], []
    for name, same in offers.items():
        first = same[0]
        if any(other.kind is not first.kind or other.kind is None for other in same[1:]):
            broken.append(BrokenKind(name, _offered_by([offer.package for offer in same])))
        elif first.kind is None:
            broken.append(BrokenKind(name, f"in {first.package}, {first.fault}."))
        else:
            kinds.append(first.kind)
    return Registry(kinds, broken)


def _offered_by(packages: Iterable[str]) -> str:
    *others, last = sorted(packages)
    if len(others) == 1:
        return f"{others[0]} and {last} both offer it; uninstall one of them."
    return f"{', '.join(others)} and {last} all offer it; uninstall all but one of them."


@dataclass(frozen=True)
class _Offer:
    """Of an entry point: its kind, or what is wrong with it."""

    name: str
    package: str
    kind: Kind | None
    fault: str | None = None


def _load(entry: EntryPoint) -> _Offer:
    package = f"the package {entry.dist.name} {entry.dist.version}" if entry.dist else "an unknown package"
    try:
        offered = entry.load()
    except (Exception, SystemExit) as error:
        cause = f"{type(error).__qualname__}: {error}".partition("\n")[0]
        return _Offer(entry.name, package, None, f"{entry.value} cannot be imported: {cause}")
    fault = fault_of(offered)
    if fault is not None or not isinstance(offered, Kind):
        return _Offer(entry.name, package, None, fault)
    return _Offer(offered.name, package, offered)
