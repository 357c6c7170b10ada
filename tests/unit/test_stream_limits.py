"""Status streams are counted in a process, and in all of them together."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from producer_api.stream_limits import StreamLimits
from waybill.domain import Holder, HolderLimits, Level, LimitName, LimitValues, Owner
from waybill.ledger import LimitReached
from waybill.store import StoreUnavailable

ADA, BOB, GIL = Owner("acme", "ada"), Owner("acme", "bob"), Owner("globex", "gil")
EACH_OWNER = HolderLimits(Holder(Level.OWNER), LimitValues(max_streams=2))
ACME = HolderLimits(Holder(Level.TENANT, "acme"), LimitValues(max_streams=3))
QUEUED = HolderLimits(Holder(Level.TENANT), LimitValues(max_queued=0))


class Table:
    """What the processes share."""

    def __init__(self) -> None:
        self.limits: list[HolderLimits] = []
        self.rows: dict[str, dict[Owner, int]] = {}
        self.now = 0.0
        self.is_away = False
        self.reads = 0

    def read(self) -> list[HolderLimits]:
        self._ask()
        self.reads += 1
        return self.limits

    def process(self, name: str) -> StreamLimits:
        return StreamLimits(self.read, Rows(self, name), lambda: self.now)

    def _ask(self) -> None:
        if self.is_away:
            raise StoreUnavailable("away")


class Rows:
    def __init__(self, table: Table, name: str) -> None:
        self._table = table
        self._name = name

    def open(self, owner: Owner, streams: int, room: Mapping[Level, int]) -> dict[Level, int]:
        self._table._ask()
        others = [rows for name, rows in self._table.rows.items() if name != self._name]
        of_tenant = sum(n for rows in others for one, n in rows.items() if one.tenant == owner.tenant)
        found = {Level.TENANT: of_tenant, Level.OWNER: sum(rows.get(owner, 0) for rows in others)}
        if all(found[level] <= most for level, most in room.items()):
            self._table.rows.setdefault(self._name, {})[owner] = streams
        return found

    def write(self, streams: Mapping[Owner, int]) -> None:
        self._table._ask()
        self._table.rows[self._name] = dict(streams)


@pytest.fixture
def table() -> Table:
    return Table()


def refused(process: StreamLimits, owner: Owner) -> tuple[LimitName, Level, int]:
    with pytest.raises(LimitReached) as caught:
        process.open(owner)
    reached = caught.value.reached
    return reached.name, reached.level, reached.max


def test_without_a_limit_of_streams_nothing_is_shared(table: Table) -> None:
    table.limits = [QUEUED]
    process = table.process("a")
    for _ in range(100):
        process.open(ADA)
    process.renew()

    assert table.rows == {}
    assert table.reads == 1


def test_an_owner_has_as_many_as_it_may_in_all_processes(table: Table) -> None:
    table.limits = [EACH_OWNER]
    first, second = table.process("a"), table.process("b")
    end = first.open(ADA)
    second.open(ADA)

    assert refused(first, ADA) == refused(second, ADA) == (LimitName.STREAMS, Level.OWNER, 2)
    second.open(BOB)
    end()
    first.open(ADA)


def test_a_tenant_has_as_many_as_all_its_owners_together(table: Table) -> None:
    table.limits = [EACH_OWNER, ACME]
    first, second = table.process("a"), table.process("b")
    first.open(ADA)
    first.open(BOB)
    second.open(BOB)

    assert refused(second, ADA) == (LimitName.STREAMS, Level.TENANT, 3)
    second.open(GIL)


def test_one_that_was_refused_is_not_counted(table: Table) -> None:
    table.limits = [EACH_OWNER]
    process = table.process("a")
    ends = [process.open(ADA), process.open(ADA)]
    for _ in range(5):
        refused(process, ADA)
    ends.pop()()

    process.open(ADA)
    process.renew()

    assert table.rows["a"] == {ADA: 2}


def test_those_that_have_ended_are_gone_with_the_next_renewal(table: Table) -> None:
    table.limits = [EACH_OWNER]
    first, second = table.process("a"), table.process("b")
    for end in [first.open(ADA), first.open(ADA)]:
        end()
    assert refused(second, ADA)[0] is LimitName.STREAMS

    first.renew()
    first.renew()

    assert table.rows["a"] == {}
    second.open(ADA)


def test_a_limit_that_is_set_later_counts_those_that_are_open(table: Table) -> None:
    process = table.process("a")
    process.open(ADA)
    process.open(ADA)
    table.limits = [EACH_OWNER]
    table.now += 2

    assert refused(process, ADA)[2] == 2

    table.limits = []
    table.now += 2
    process.open(ADA)


def test_while_the_limits_cannot_be_read_no_stream_is_counted(table: Table) -> None:
    table.limits = [EACH_OWNER]
    process = table.process("a")
    table.is_away = True
    for _ in range(5):
        with pytest.raises(StoreUnavailable):
            process.open(ADA)
    table.is_away = False

    process.open(ADA)
    process.open(ADA)
    process.stop()

    assert table.rows["a"] == {}, "a process that stops has none"


def test_threads_of_a_process_open_no_more_together(table: Table) -> None:
    table.limits = [HolderLimits(Holder(Level.OWNER), LimitValues(max_streams=10))]
    process = table.process("a")

    def opens(_: int) -> bool:
        try:
            process.open(ADA)
        except LimitReached:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        opened = sum(pool.map(opens, range(200)))

    assert opened <= 10
    assert opened >= 3, "those that are refused may stand in the way of others for a moment"
