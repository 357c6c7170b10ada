"""Starts a service with something wrong built in: the product's code has no hooks, so they are put in here.

    python -m tests.faults.sabotage report-worker

`FAULTS_SABOTAGE` names what to build in, with commas between. What ends a process by `kill -9` does so only
when it finds a token in the folder `FAULTS_TOKENS`, one for each kill, so that the harness can count them.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

SABOTAGE, TOKENS = "FAULTS_SABOTAGE", "FAULTS_TOKENS"
KILLS = "kills.jsonl"

_ANSWER_SECONDS = 0.03
"""Half of the kills wait so long, in which the 202 of the request goes out."""


@dataclass(frozen=True)
class Kill:
    """What a process wrote down before it killed itself. `messages` are ids of the outbox."""

    at: float
    messages: tuple[int, ...]


def read_kills(folder: Path) -> list[Kill]:
    """The kills so far."""
    file = folder / KILLS
    lines = file.read_text().splitlines() if file.exists() else []
    return [Kill(one["at"], tuple(one["messages"])) for one in map(json.loads, lines)]


def die_if_told(messages: Iterable[int | None]) -> None:
    """Takes a token, if there is one, and ends this process at this instruction."""
    folder = Path(os.environ[TOKENS])
    for token in folder.glob("token-*"):
        try:
            token.unlink()
        except FileNotFoundError:
            continue  # another process took it
        if random.random() < 0.5:
            time.sleep(_ANSWER_SECONDS)
        kill = {"at": time.time(), "messages": [one for one in messages if one]}
        with (folder / KILLS).open("a") as file:
            file.write(json.dumps(kill) + "\n")
        os.kill(os.getpid(), signal.SIGKILL)


# --- faults of a process that the product must survive


def kill_before_publish() -> None:
    """Between the commit and the publishing of what was committed."""

    def dying(publish: Any) -> Any:
        def publish_or_die(self: Any, batch: Sequence[Any]) -> Any:
            die_if_told(message.id for message in batch)
            return publish(self, batch)

        return publish_or_die

    _replace("waybill.outbox.publisher:Publisher.publish", dying)


def kill_before_delete() -> None:
    """Between the broker's acknowledgement and the deletion from the outbox."""

    def dying(remove: Any) -> Any:
        def die_or_remove(connection: Any, ids: Sequence[int]) -> Any:
            die_if_told(ids)
            return remove(connection, ids)

        return die_or_remove

    _replace("waybill.store.statements.outbox:remove", dying)


# --- broken builds, in which the harness must find what is wrong


def no_fence() -> None:
    """An attempt may write whoever holds the lease."""
    from waybill.store.tables import reports

    def held(_: Any) -> Any:
        return lambda fence: reports.c.id == fence.report_id

    _replace("waybill.store.statements.reports:_held", held)


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
    """A message leaves the outbox before the broker has acknowledged it."""
    outbox = import_module("waybill.store.statements.outbox")

    def early(_: Any) -> Any:
        def delete_and_publish(self: Any, lock: Any) -> int:
            with self._transactions.changes() as changes:
                batch = lock(changes.connection)
                outbox.remove(changes.connection, [message.id for message in batch])
            if batch:
                die_if_told(message.id for message in batch)
                self._publisher.publish(batch)
            return len(batch)

        return delete_and_publish

    _replace("waybill.outbox.relay:Relay._publish", early)


def never_alone() -> None:
    """A report that has lost two workers runs beside others, as any does."""
    _replace("waybill.domain.lifecycle:MAX_SHARED_LOSSES", lambda _: 2**31 - 1)


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
    "never-alone": never_alone,
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
