"""The lifecycle of reports in plain Python: what the store must do, said without a database.

Times are minutes on a clock of its own. Durations end in a half, and the clock moves by whole minutes: so
nothing is ever due at the same instant as something else, however long the real statements take.
"""

from dataclasses import dataclass, field
from uuid import UUID

from waybill.domain import TERMINAL, Status

LEASE = 30.5
ENQUEUE_AGAIN = 90.5
KEEP_KEYS = 600.5
KEEP_REPORTS = 900.5
KEEP_LETTERS = 1200.5
MOST_LOSSES = 3
ROOM = 4  # commands at once, while there is no worker
FOREVER = 1e12
MOST_ROUNDS = 10

REPORT, STATUS, DEAD_LETTER = "report", "report-status", "report-dead-letter"

Message = tuple[str, str, int | None]
"""Topic, key, and the version that a status event tells; None for a command, a tombstone, a letter."""


class Refused(Exception):  # noqa: N818 - it is an answer
    """The model says no; the message says why, in one word."""


@dataclass(frozen=True)
class Event:
    """One row of `report_events`."""

    version: int
    type: str
    status: Status
    attempt: int


@dataclass
class Row:
    """One row of `reports`."""

    id: UUID
    status: Status = Status.INIT
    version: int = 1
    attempt: int = 0
    failures: int = 0
    losses: int = 0
    interruptions: int = 0
    cancel_requested: bool = False
    owner: str | None = None
    lease_until: float | None = None
    not_before: float | None = None
    awaits: str = "room"
    """While it is in `init`: room for a command; a claim, or else another command `at`; a retry, `at`; or its
    kind, which is paused or has a limit."""
    at: float = 0
    requested_at: float = 0
    finished_at: float | None = None
    artefact: str | None = None
    events: list[Event] = field(default_factory=list)

    @property
    def told(self) -> tuple[Status, int, int, int, int, bool, str | None]:
        """What a caller of the store sees of it."""
        return (
            self.status,
            self.version,
            self.attempt,
            self.failures,
            self.losses,
            self.cancel_requested,
            self.artefact,
        )


@dataclass
class Key:
    """One row of `idempotency_keys`."""

    request: str
    report_id: UUID
    created_at: float


@dataclass
class Letter:
    """One row of `dead_letters`."""

    reason: str
    report_id: UUID
    attempts: int
    created_at: float
    redriven: bool = False


@dataclass
class Model:
    """The whole store. Methods are called as those of the ledger's package."""

    now: float = 0
    rows: dict[UUID, Row] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)
    letters: list[Letter] = field(default_factory=list)
    outbox: list[Message] = field(default_factory=list)
    paused: bool = False
    most: int | None = None
    """Of the one kind that there is: how many may be under way."""
    has_limit: bool = False
    """Whether there is a row of limits: also until those that wait for the kind have got their commands."""

    @property
    def closed(self) -> bool:
        return self.paused or self.most is not None

    @property
    def limited(self) -> bool:
        """Whether turns decide who gets a command."""
        return self.has_limit and not self.paused

    # --- what an admin does

    def set_kind(self, *, paused: bool, most: int | None) -> None:
        self.paused, self.most, self.has_limit = paused, most, True

    # --- what a client asks for

    def known(self, key: str, request: str) -> UUID | None:
        """The report of an earlier request with this key."""
        found = self.keys.get(key)
        if found and found.request != request:
            raise Refused("reused")
        return found.report_id if found else None

    def accept(self, report_id: UUID, key: str | None = None, request: str = "") -> Row:
        has_command = self.room > 0 and not (self._waiting() or self.closed or self.limited)
        row = self.rows[report_id] = Row(report_id, version=0, requested_at=self._tick())
        if key:
            self.keys[key] = Key(request, report_id, self.now)
        if has_command:
            self._awaits_claim(row)
        if self.closed:
            self._park([row])
        self._changed(row, Status.INIT, command=has_command)
        self._take_turns()
        return row

    def accept_external(self, report_id: UUID) -> Row:
        row = self.rows[report_id] = Row(report_id, version=0, requested_at=self._tick())
        if not self.limited:
            self._awaits_claim(row)
        self._changed(row, Status.INIT)
        self._take_turns()
        return row

    def cancel(self, report_id: UUID) -> Row | None:
        row = self.rows.get(report_id)
        if row is None or row.status in TERMINAL:
            return None
        if row.status is Status.INIT:
            row.not_before = None
            return self._ended(row, Status.CANCELLED)
        if row.cancel_requested:
            return None
        row.cancel_requested = True
        return self._changed(row, Status.PROCESSING)

    def redrive(self, report_id: UUID) -> Row:
        row = self.rows.get(report_id)
        if row is None or row.status not in {Status.FAIL, Status.CANCELLED}:
            raise Refused("not redrivable")
        row.failures = row.losses = row.interruptions = 0
        row.not_before = row.finished_at = row.artefact = None
        row.cancel_requested = False
        row.awaits = "room"
        if self.closed:
            self._park([row])
        for letter in self.letters:
            letter.redriven |= letter.report_id == report_id
        self._changed(row, Status.INIT)
        self._dispatch(1)
        self._take_turns()
        return row

    # --- what a worker does

    def claim(self, report_id: UUID, owner: str) -> Row | None:
        row = self.rows.get(report_id)
        waits = row is not None and row.status is Status.INIT
        if row is None or not waits or (row.not_before is not None and row.not_before > self.now):
            return None
        if self.paused or (self.limited and row.awaits != "claim"):
            return None
        row.attempt += 1
        row.owner, row.lease_until = owner, self.now + LEASE
        row.not_before = None
        self._changed(row, Status.PROCESSING)
        self._dispatch(1)
        self._take_turns()
        return row

    def let_wait(self, report_id: UUID) -> bool:
        """Its command was read, and its claim was refused."""
        row = self.rows.get(report_id)
        if row is None or row.status is not Status.INIT or row.awaits != "claim":
            return False
        row.awaits, row.not_before = "room", None
        if self.paused:
            self._park([row])
        return True

    def heartbeat(self, report_id: UUID, attempt: int, owner: str) -> None:
        self._held(report_id, attempt, owner).lease_until = self.now + LEASE

    def step(self, report_id: UUID, attempt: int, owner: str) -> Row:
        return self._changed(self._held(report_id, attempt, owner), Status.PROCESSING, "step")

    def finish(
        self,
        report_id: UUID,
        attempt: int,
        owner: str,
        status: Status,
        *,
        artefact: str | None = None,
        exhausted: bool = False,
    ) -> Row:
        row = self._held(report_id, attempt, owner)
        if status is Status.FAIL and row.cancel_requested:
            self._ended(row, Status.CANCELLED)
        else:
            row.failures += status is Status.FAIL
            row.artefact = artefact
            self._ended(row, status)
            if exhausted:
                self._letter(row, "error")
        self._take_turns()
        return row

    def retry(self, report_id: UUID, attempt: int, owner: str, delay: float) -> Row:
        row = self._held(report_id, attempt, owner)
        if row.cancel_requested:
            self._ended(row, Status.CANCELLED)
        else:
            row.failures += 1
            row.awaits = "retry"
            row.not_before = row.at = self.now + delay
            self._changed(row, Status.INIT)
        self._take_turns()
        return row

    def release(self, report_id: UUID, attempt: int, owner: str) -> Row:
        row = self._held(report_id, attempt, owner)
        if row.cancel_requested:
            self._ended(row, Status.CANCELLED)
        else:
            row.interruptions += 1
            self._awaits_claim(row)
            self._changed(row, Status.INIT, command=True)
        self._take_turns()
        return row

    # --- recovery and retention

    def reap(self, grace: float) -> dict[UUID, Status]:
        """The reports that are taken back, and what becomes of them."""
        lost = [row for row in self.rows.values() if row.lease_until and row.lease_until < self.now - grace]
        for row in lost:
            row.losses += 1
            if row.cancel_requested:
                self._ended(row, Status.CANCELLED)
            elif row.losses >= MOST_LOSSES:
                self._ended(row, Status.FAIL, told=False)
                self._letter(row, "lost")
                self._tell(row)
            else:
                self._awaits_claim(row)
                self._changed(row, Status.INIT, command=True)
        return {row.id: row.status for row in lost}

    def enqueue(self) -> set[UUID]:
        """Those that get a command: for the first time, for a retry, or since theirs may be lost."""
        if not self.closed and not self._in_init("kind"):
            self.has_limit = False
        for row in self._in_init("retry"):
            if row.at <= self.now:
                row.awaits = "room"
                if self.closed:
                    self._park([row])
        lost = [row for row in self._in_init("claim") if self._is_lost(row)]
        sent = self._send_or_park(lost)
        if self.limited:
            return sent | self._take_turns(idle=True)
        sent |= self._dispatch(len(self.rows))
        if self.closed and self.room > 0:
            self._park(self._waiting())
        return sent

    def purge(self) -> int:
        """How many things are gone."""
        old_keys = [key for key, kept in self.keys.items() if kept.created_at < self.now - KEEP_KEYS]
        old_letters = [letter for letter in self.letters if letter.created_at < self.now - KEEP_LETTERS]
        for key in old_keys:
            del self.keys[key]
        self.letters = [letter for letter in self.letters if letter not in old_letters]
        old = [
            row
            for row in self.rows.values()
            if row.finished_at is not None and row.finished_at < self.now - KEEP_REPORTS
        ]
        for row in old:
            del self.rows[row.id]
            self.keys = {key: kept for key, kept in self.keys.items() if kept.report_id != row.id}
            self.outbox = [message for message in self.outbox if message[1] != str(row.id)]
            self.outbox.append((STATUS, str(row.id), None))
        return len(old_keys) + len(old_letters) + len(old)

    def refused(self, report_id: UUID) -> None:
        """The broker takes none of the report's commands."""
        commands = self.outbox.count((REPORT, str(report_id), None))
        for _ in range(commands):
            self.outbox.remove((REPORT, str(report_id), None))
            row = self.rows.get(report_id)
            if row and row.status is Status.INIT:
                self._ended(row, Status.FAIL)

    def republish_latest(self, report_id: UUID) -> None:
        row = self.rows.get(report_id)
        if row:
            self.outbox.append((STATUS, str(report_id), row.version))

    # --- parts

    def _held(self, report_id: UUID, attempt: int, owner: str) -> Row:
        row = self.rows.get(report_id)
        if row is None or (row.attempt, row.owner) != (attempt, owner) or (row.lease_until or 0) < self.now:
            raise Refused("lease lost")
        return row

    @property
    def room(self) -> int:
        """For so many commands; below 0 where released and recovered reports got theirs nevertheless."""
        return ROOM - len(self._in_init("claim"))

    def _in_init(self, awaits: str) -> list[Row]:
        """Those that were requested first are first."""
        found = [row for row in self.rows.values() if row.status is Status.INIT and row.awaits == awaits]
        return sorted(found, key=lambda row: row.requested_at)

    def _waiting(self) -> list[Row]:
        return self._in_init("room")

    def _dispatch(self, limit: int) -> set[UUID]:
        if self.limited:
            return set()
        return self._send_or_park(self._waiting()[: max(0, min(limit, self.room))])

    def _send_or_park(self, rows: list[Row]) -> set[UUID]:
        """Those that get a command: none of a kind that is closed."""
        if self.closed:
            self._park(rows)
            return set()
        for row in rows:
            self._send(row)
        return {row.id for row in rows}

    def _take_turns(self, *, idle: bool = False) -> set[UUID]:
        """As many get a command as there is room for, of those that wait for room or for their kind, and as
        the limit allows."""
        given: set[UUID] = set()
        for _ in range(MOST_ROUNDS):
            free = self.room
            if not self.limited or free <= 0:
                break
            places = free if self.most is None else self.most - self._under_way()
            found = self._waiting()[:free]
            looked_at = [*found, *(self._in_init("kind")[:free] if places > 0 else [])]
            chosen = sorted(looked_at, key=lambda row: row.requested_at)[: max(0, min(free, places))]
            for row in chosen:
                self._send(row)
                row.not_before = None
            given |= {row.id for row in chosen}
            left = [row for row in found if row not in chosen]
            is_full = self.most is not None and places <= len(chosen)
            if is_full and left:
                self._park(self._waiting() if idle else left)
            elif not 0 < len(chosen) < free:
                break
        return given

    def _under_way(self) -> int:
        running = [row for row in self.rows.values() if row.status is Status.PROCESSING]
        return len(running) + len(self._in_init("claim"))

    def _park(self, rows: list[Row]) -> None:
        for row in rows:
            row.awaits, row.not_before = "kind", FOREVER

    def _send(self, row: Row) -> None:
        self._awaits_claim(row)
        self.outbox.append((REPORT, str(row.id), None))

    def _awaits_claim(self, row: Row) -> None:
        row.awaits, row.at = "claim", self.now + ENQUEUE_AGAIN

    def _tick(self) -> float:
        """The time, a moment later: no two requests are made at the same time."""
        self.now += 1e-9
        return self.now

    def _is_lost(self, row: Row) -> bool:
        return row.at <= self.now and (REPORT, str(row.id), None) not in self.outbox

    def _ended(self, row: Row, status: Status, *, told: bool = True) -> Row:
        row.finished_at = self.now
        return self._changed(row, status, told=told)

    def _changed(
        self, row: Row, status: Status, event: str = "status", *, command: bool = False, told: bool = True
    ) -> Row:
        row.status, row.version = status, row.version + 1
        if status is not Status.PROCESSING:
            row.owner = row.lease_until = None
        row.events.append(Event(row.version, event, status, row.attempt))
        if told:
            self._tell(row)
        if command:
            self.outbox.append((REPORT, str(row.id), None))
        return row

    def _tell(self, row: Row) -> None:
        self.outbox.append((STATUS, str(row.id), row.version))

    def _letter(self, row: Row, reason: str) -> None:
        self.letters.append(Letter(reason, row.id, row.attempt, self.now))
        self.outbox.append((DEAD_LETTER, "", None))
