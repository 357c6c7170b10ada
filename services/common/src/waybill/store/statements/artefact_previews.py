"""Statements on `artefact_previews`."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, delete, select
from sqlalchemy.dialects.postgresql import insert

from waybill.store.tables import artefact_previews


def put(connection: Connection, report_id: UUID, attempt: int, previews: Mapping[str, str]) -> None:
    """Keeps those of an attempt, each under its file's name, and none of another attempt."""
    of_it = artefact_previews.c.report_id == report_id
    connection.execute(delete(artefact_previews).where(of_it, artefact_previews.c.attempt != attempt))
    rows = [
        {"report_id": report_id, "attempt": attempt, "filename": name, "content": content}
        for name, content in previews.items()
    ]
    connection.execute(insert(artefact_previews).values(rows).on_conflict_do_nothing())


def get(connection: Connection, report_id: UUID, attempt: int, filename: str) -> str | None:
    """The preview of one file."""
    found: str | None = connection.scalar(
        select(artefact_previews.c.content).where(
            *_of(report_id, attempt), artefact_previews.c.filename == filename
        )
    )
    return found


def names(connection: Connection, report_id: UUID, attempt: int) -> set[str]:
    """Which files of an attempt have one."""
    return set(connection.scalars(select(artefact_previews.c.filename).where(*_of(report_id, attempt))))


def _of(report_id: UUID, attempt: int) -> tuple[ColumnElement[bool], ...]:
    return artefact_previews.c.report_id == report_id, artefact_previews.c.attempt == attempt
