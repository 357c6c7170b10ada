"""Starts a service with something wrong built in: the product's code has no hooks, so they are put in here.

    python -m tests.faults.sabotage report-worker

`FAULTS_SABOTAGE` names what to build in, with commas between. What ends a process by `kill -9` does so only
when it finds a token in the folder `FAULTS_TOKENS`, one for each kill, so that the harness can count them.
"""

import json
import os
import random
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

SABOTAGE, TOKENS = "FAULTS_SABOTAGE", "FAULTS_TOKENS"
KILLS = "kills.jsonl"

_PUBLISHED_SECONDS = 0.1
"""In which the relay publishes what it gets."""
_ANSWER_SECONDS = 0.03
"""Half of the kills wait so long, in which the 202 of the request goes out."""


_dying = threading.Lock()


@dataclass(frozen=True)
class Kill:
    """What a process wrote down before it killed itself. `messages` are rows of `publications`, as
    `report_id/first_version/last_version`."""

    at: float
    messages: tuple[str, ...]


def read_kills(folder: Path) -> list[Kill]:
    """The kills so far."""
    file = folder / KILLS
    lines = file.read_text().splitlines() if file.exists() else []
    return [Kill(one["at"], tuple(one["messages"])) for one in map(json.loads, lines)]


def die_if_told(messages: Iterable[str]) -> None:
    """Takes a token, if there is one, and ends this process at this instruction. One thread at a time: a
    process that two of them end has died once."""
    with _dying:
        _die_if_told(messages)


def _die_if_told(messages: Iterable[str]) -> None:
    folder = Path(os.environ[TOKENS])
    for token in folder.glob("token-*"):
        try:
            token.unlink()
        except FileNotFoundError:
            continue  # another process took it
        if random.random() < 0.5:
            time.sleep(_ANSWER_SECONDS)
        kill = {"at": time.time(), "messages": list(messages)}
        with (folder / KILLS).open("a") as file:
            file.write(json.dumps(kill) + "\n")
        os.kill(os.getpid(), signal.SIGKILL)


# --- faults of a process that the product must survive


def kill_before_publish() -> None:
    """Between the commit and the publishing of what was committed."""

    def dying(send: Any) -> Any:
        def send_or_die(self: Any, entries: Sequence[Any]) -> Any:
            die_if_told(_names(entry.row for entry in entries))
            return send(self, entries)

        return send_or_die

    _replace("waybill.outbox.relay:Relay._send", dying)


def kill_before_delete() -> None:
    """Between the broker's acknowledgement and the deletion from the outbox."""

    def dying(put: Any) -> Any:
        def die_or_put(
            connection: Any, events: Any, rows: Any, published: Any = (), *more: Any, **kw: Any
        ) -> Any:
            if published:
                die_if_told(_names(published))
            return put(connection, events, rows, published, *more, **kw)

        return die_or_put

    _replace("waybill.store.statements.records:put", dying)


def _names(rows: Iterable[Any]) -> Iterator[str]:
    for row in rows:
        if not isinstance(row, int):
            yield f"{row.report_id}/{row.first}/{row.last}"


# --- broken builds, in which the harness must find what is wrong


def no_fence() -> None:
    """An attempt may write whoever holds the lease."""

    def without(statement: str) -> str:
        unfenced, found = re.subn(
            r"WHERE status_before = .*?lease_expires_at > clock_timestamp\(\)",
            "",
            statement,
            flags=re.DOTALL,
        )
        if found != 1:
            raise AttributeError("the statement has no fence")
        return unfenced

    for name in ("_RENEW", "_STEPS", "_END"):
        _replace(f"waybill.store.statements.attempts:{name}", without)


def offset_first() -> None:
    """The offset is committed before the report is claimed."""

    def early(received: Any) -> Any:
        def receive_and_commit(self: Any, message: Any) -> Any:
            is_command = received(self, message)
            if is_command:
                self._client.commit(message=message, asynchronous=False)
                die_if_told([])
            return is_command

        return receive_and_commit

    _replace("report_worker.consuming:CommandConsumer._received", early)


def delete_first() -> None:
    """What is to be published leaves the outbox before the broker has acknowledged it."""
    from waybill.store.statements import publications

    def early(send: Any) -> Any:
        def delete_and_send(self: Any, entries: Sequence[Any]) -> Any:
            with self._transactions.reading() as connection:
                publications.remove(connection, [one.row for one in entries if not isinstance(one.row, int)])
            if entries:
                die_if_told(_names(entry.row for entry in entries))
            return send(self, entries)

        return delete_and_send

    _replace("waybill.outbox.relay:Relay._send", early)


def publish_first() -> None:
    """What a transaction changes is published before it is committed."""
    from waybill.ledger import Changes, Committed, Published

    def early(_: Any) -> Any:
        @contextmanager
        def changes(self: Any, **options: Any) -> Iterator[Any]:
            with self.reading(**options) as connection:
                changes = Changes(connection, self.topics, self._requeue_after)
                yield changes
                entries = changes.write_records(Published())().entries
                if entries:
                    self._outgoing.committed(Published(), Committed(entries, {}, time.monotonic()))
                    time.sleep(_PUBLISHED_SECONDS)
                    die_if_told([])

        return changes

    _replace("waybill.ledger.transactions:Transactions.changes", early)


def ignore_refusals() -> None:
    """A batch tells what each attempt has written, also where its fence has refused it."""
    from waybill.ledger import LeaseLost

    def telling(write_all: Any) -> Any:
        def write_and_tell(changes: Any, writes: Any) -> Any:
            written = write_all(changes, writes)

            def finish() -> Any:
                results = written()
                for place, result in results.items():
                    if isinstance(result, LeaseLost):
                        results[place] = _record_anyway(changes, writes[place])
                return results

            return finish

        return write_and_tell

    def renewing(renew: Any) -> Any:
        def renew_or_not(changes: Any, writes: Any, lease: Any) -> Any:
            renewed = renew(changes, writes, lease)
            return lambda: dict.fromkeys(renewed())

        return renew_or_not

    def not_directly(_: Any) -> Any:
        return lambda self, **_: self.changes()  # so that rows can be read by SQLAlchemy's statements

    _replace("waybill.ledger.batch:_conclude", telling)
    _replace("waybill.ledger.batch:_take_steps", telling)
    _replace("waybill.ledger.batch:_renew", renewing)
    _replace("waybill.ledger.transactions:Transactions.direct_changes", not_directly)


def _record_anyway(changes: Any, write: Any) -> Any:
    """As if the fence had let it pass."""
    from waybill.store.statements import reports

    report = reports.get(changes.connection, write.fence.report_id)
    if report is None:
        return None
    taken = getattr(write, "taken", None)
    if taken is None:
        status = getattr(write.decision, "status", report.status)
        return changes.record(replace(report, status=status, version=report.version + 1))
    last = replace(report, version=report.version + len(taken))
    changes.record_steps(last, taken)
    return last


def never_alone() -> None:
    """A report that has lost two workers runs beside others, as any does."""
    _replace("waybill.domain.lifecycle:MAX_SHARED_LOSSES", lambda _: 2**31 - 1)


def forget_results() -> None:
    """The end of a step is committed without its result."""
    _replace("waybill.store.statements.step_results:put", lambda _: lambda *_: None)


def _replace(place: str, make: Callable[[Any], Any]) -> None:
    """Puts `make(original)` where the original is, as `module:name` or `module:Class.name`.

    Raises AttributeError where the product has no such thing any more.
    """
    module, _, names = place.partition(":")
    *outer, name = names.split(".")
    owner: Any = import_module(module)
    for step in outer:
        owner = getattr(owner, step)
    setattr(owner, name, make(getattr(owner, name)))


BUILT_IN: dict[str, Callable[[], None]] = {
    "kill-before-publish": kill_before_publish,
    "kill-before-delete": kill_before_delete,
    "no-fence": no_fence,
    "offset-first": offset_first,
    "delete-first": delete_first,
    "publish-first": publish_first,
    "ignore-refusals": ignore_refusals,
    "never-alone": never_alone,
    "forget-results": forget_results,
}


def main() -> None:
    """The first time it becomes the service under tracing, as the service's own command does; the second
    time, it is the service."""
    service, *rest = sys.argv[1:]
    if not rest:
        _become(service)
    for name in os.environ[SABOTAGE].split(","):
        BUILT_IN[name]()
    if service == "report-worker":
        import_module("report_worker.worker").main()
    else:
        # Imported before the fork, so that the process which replaces a killed one serves at once.
        for module in ("producer_api.app", "producer_api.services"):
            import_module(module)
        sys.argv = ["gunicorn", "-c", "python:producer_api.gunicorn_conf"]
        import_module("gunicorn.app.wsgiapp").run()


def _become(service: str) -> NoReturn:
    from waybill.launch import become

    become(service, ["python", "-m", "tests.faults.sabotage", service, "now"])


if __name__ == "__main__":
    main()
