"""Processes that end by `kill -9` at one instruction: see `tests.faults.sabotage`."""

import time
from functools import partial

from tests.faults.rig import API
from tests.faults.run import Run
from tests.faults.sabotage import Kill, read_kills

_KILL_SECONDS = 60.0
_EXPORT_SECONDS = 2.0
"""The last spans of processes that end at once, since their time to drain is short."""
_PROCESSES = 4
"""Of the API, and tokens at once: the next kill need not wait until the last process is replaced."""


def kill_api_before_publish(run: Run) -> None:
    """The process that took a request dies after its commit, before it has published the command."""
    _kill(run, "kill-before-publish")


def kill_relay_before_delete(run: Run) -> None:
    """The process that publishes dies after the broker's acknowledgement, before it forgets the message."""
    _kill(run, "kill-before-delete")


def _kill(run: Run, sabotage: str) -> None:
    rig = run.rig
    rig.clear_tokens()
    rig.reconfigure(API, sabotage=sabotage, WAYBILL_HTTP_WORKERS=str(_PROCESSES))
    run.accepting = False  # who was being answered by a killed process asks again
    run.wanted = run.scale.process_kills
    load = run.load(threads=4, pause=0.02, parameters={"steps": 1, "step_ms": 20})
    watch = _Watch(run)
    never = f"nothing took a token: {sabotage} is never reached"
    while run.injected < run.wanted:
        more = min(_PROCESSES, run.wanted - run.injected)
        rig.put_tokens(more)
        run.expect(partial(watch.has_seen, run.injected + more), _KILL_SECONDS, never)
        run.inject(more)
    run.expect(
        lambda: watch.has_seen(run.wanted) and not watch.waiting,
        run.scale.ends_within,
        "nobody publishes what a killed process had in hand",
    )
    load.stop()
    run.expect(lambda: load.has_stopped, run.scale.ends_within, "a request has no answer")
    run.wait(_EXPORT_SECONDS)
    rig.reconfigure(API)


_LEFT = """
SELECT row FROM (
    SELECT concat_ws('/', report_id, first_version, last_version) AS row FROM publications
) AS waiting WHERE row = ANY (%s)
"""


class _Watch:
    """Measures from each kill until another process has published what the killed one had in hand."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._seen = 0
        self.waiting: list[Kill] = []

    def has_seen(self, wanted: int) -> bool:
        """Whether there were so many kills."""
        kills = read_kills(self._run.rig.tokens)
        self.waiting += kills[self._seen :]
        self._seen = len(kills)
        messages = [message for kill in self.waiting for message in kill.messages]
        left = {row["row"] for row in self._run.rig.rows(_LEFT, messages)}
        now = time.time()
        for kill in list(self.waiting):
            if not left.intersection(kill.messages):
                self.waiting.remove(kill)
                self._run.recoveries.append(now - kill.at)
        return self._seen >= wanted
