"""What could not be done: why, what of it is kept, and another try."""

from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, request, url_for
from werkzeug.datastructures import MultiDict

from producer_api.access import Permission, current_identity, permitted_scope, requires
from producer_api.problems import Problem
from producer_api.redriving import redrive_each
from producer_api.services import Services
from producer_api.web.asking import ask, is_confirmed
from producer_api.web.bytes_shown import shown
from producer_api.web.forms import sent_form
from producer_api.web.plain_names import reason_in_words
from producer_api.web.rendering import page
from waybill.domain import Scope
from waybill.ledger import DeadLetters
from waybill.store import DeadLetterFilter, StoredDeadLetter

_PAGE = 50
_MOST_COUNTED = 10_000
_MOST_REDRIVEN = 200
_MOST_BYTES = 4096
"""Of a message, on its page."""


def register(routes: APIBlueprint, services: Services) -> None:
    letters = services.dead_letters

    @routes.get("/dead-letters")
    @requires(Permission.READ_DEAD_LETTERS)
    def dead_letters() -> Response:
        scope = permitted_scope(Permission.READ_DEAD_LETTERS)
        reason, redriven = request.args.get("reason") or None, "redriven" in request.args
        before = request.args.get("before")
        wanted = DeadLetterFilter(reason, redriven, _uuid(before) if before else None, _PAGE + 1, scope=scope)
        found = letters.page(wanted)
        older = found[_PAGE - 1].id if len(found) > _PAGE else None
        counts = letters.reasons(scope, _MOST_COUNTED)
        return page(
            "dead_letters.html",
            letters=found[:_PAGE],
            counts=counts,
            waiting=sum(counts.values()),
            most=_MOST_COUNTED,
            most_redriven=_MOST_REDRIVEN,
            reason=reason,
            redriven=redriven,
            is_first=before is None,
            older=older and url_for(".dead_letters", reason=reason, redriven=redriven or None, before=older),
        )

    @routes.get("/dead-letters/<letter_id>")
    @requires(Permission.READ_DEAD_LETTERS)
    def dead_letter(letter_id: str) -> Response:
        letter = _find(letters, letter_id)
        message = letters.beginning(letter.id, _MOST_BYTES) if letter.report_id is None else None
        return page(
            "dead_letter.html",
            letter=letter,
            key=message and shown(message.key),
            value=message and shown(message.value),
            most_bytes=_MOST_BYTES,
        )

    @routes.post("/dead-letters/redrive")
    @requires(Permission.REDRIVE)
    def redrive() -> Response:
        """Of the letters that are named, or of those that wait with a reason. Answers with what came of
        each: sent again, it restarts nothing twice."""
        form = sent_form()
        scope = permitted_scope(Permission.REDRIVE)
        if not is_confirmed(form):
            return _ask_to_redrive(letters, form, scope)
        if ids := _chosen(form):
            chosen = [_uuid(one) for one in ids[:_MOST_REDRIVEN]]
            # those that others have redriven meanwhile, too: then the outcome says so
            wanted = DeadLetterFilter(redriven=True, limit=len(chosen), scope=scope, ids=chosen)
        else:
            wanted = DeadLetterFilter(
                form.get("reason") or None, limit=_MOST_REDRIVEN, reports_first=True, scope=scope
            )
        outcomes = list(
            redrive_each(
                letters, letters.page(wanted), current_identity().actor, from_start="from_start" in form
            )
        )
        return page("redriven.html", outcomes=outcomes, restarted=sum(1 for one in outcomes if one.report))


def _chosen(form: MultiDict[str, str]) -> list[str]:
    """Their ids; empty where the button meant all, whatever is chosen. Raises `Problem` without any."""
    if form.get("reason") or "all" in form:
        return []
    if not (ids := form.getlist("id")):
        raise Problem("wrong-request", "Nothing is chosen: go back, and choose the dead letters to redrive.")
    return ids


def _ask_to_redrive(letters: DeadLetters, form: MultiDict[str, str], scope: Scope) -> Response:
    ids, reason = _chosen(form), form.get("reason") or None
    if ids:
        waiting = len(ids)
    else:
        counts = letters.reasons(scope, _MOST_COUNTED)
        waiting = counts.get(reason, 0) if reason else sum(counts.values())
    number = min(waiting, _MOST_REDRIVEN)
    which = f" with the reason “{reason_in_words(reason)}”" if reason else ""
    notes = ["Their reports start again, in their traces."]
    if waiting > number:
        notes.insert(0, f"These are the newest of {waiting:,}.")
    return ask(
        f"Redrive {number:,} dead {'letter' if number == 1 else 'letters'}{which}?",
        notes,
        f"Redrive {number:,}",
        url_for(".dead_letters", reason=reason),
    )


def _find(letters: DeadLetters, letter_id: str) -> StoredDeadLetter:
    scope = permitted_scope(Permission.READ_DEAD_LETTERS)
    found = letters.page(DeadLetterFilter(redriven=True, limit=1, scope=scope, ids=[_uuid(letter_id)]))
    if not found:
        raise Problem("not-found", "There is no such dead letter. Those that are old enough are removed.")
    return found[0]


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Problem(
            "not-found", f"{text[:100]!r} is not the id of a dead letter, which is a UUID."
        ) from None
