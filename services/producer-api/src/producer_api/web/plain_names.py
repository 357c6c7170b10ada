"""Names that programs use, as people say them: filters of the templates."""

from typing import Final

from apiflask import APIBlueprint

from producer_api.web.form_errors import as_sentence
from waybill.domain import FailureType

_REASONS: Final[dict[str, str]] = {
    FailureType.STEP_FAILED: "A step failed",
    FailureType.ERROR: "The report's code failed outside its steps",
    FailureType.PERMANENT: "Another attempt would fail the same way",
    FailureType.TIMED_OUT: "The time limit was reached",
    FailureType.SLOT_DIED: "The process that ran the report ended without a result",
    FailureType.NO_DIRECTORY: "The worker could not make a directory for the report's files",
    FailureType.ARTEFACT_STORE: "The report's files could not be stored",
    FailureType.UNSUPPORTED_KIND: "The worker's version does not know this kind, or one of its parameters",
    FailureType.LOST: "The worker that ran the report was lost",
    FailureType.REFUSED_BY_BROKER: "Kafka refused the report's message",
    "null_value": "The message has no value",
    "unknown_schema_version": "The message is of a version that is not known",
    "wrong_field": "A field of the message is wrong",
    "not_json": "The message is not JSON",
    "not_an_object": "The message is not a JSON object",
    "not_processable": "The message cannot be processed",
    "no_such_report": "The message is of a report that does not exist",
}
_MEDIA_TYPES: Final = {
    "text/html": "HTML",
    "application/pdf": "PDF",
    "text/csv": "CSV",
    "application/json": "JSON",
    "application/x-ndjson": "JSON lines",
    "application/vnd.apache.parquet": "Parquet",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "Excel (XLSX)",
    "application/zip": "ZIP",
    "application/gzip": "gzip",
    "application/xml": "XML",
    "application/yaml": "YAML",
    "application/octet-stream": "Binary",
    "text/plain": "Text",
    "text/markdown": "Markdown",
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/gif": "GIF",
    "image/webp": "WebP",
    "image/svg+xml": "SVG",
}
_OUTPUTS: Final = {"parquet": "Parquet", "xlsx": "Excel (XLSX)"}


def reason_in_words(reason: str) -> str:
    """Of a failure or a dead letter; one of another version as it is, without underscores."""
    return _REASONS.get(reason) or reason.replace("_", " ").capitalize()


def file_type(media_type: str) -> str:
    """`CSV` of `text/csv; charset=utf-8`; one that is not known as it is."""
    bare = media_type.partition(";")[0].strip().lower()
    return _MEDIA_TYPES.get(bare, media_type)


def output_name(name: str) -> str:
    """`PDF` of `pdf`; names that are no file types stay as the kind has them."""
    return _OUTPUTS.get(name) or (name.upper() if name in ("html", "pdf", "csv", "json") else name)


def register(routes: APIBlueprint) -> None:
    for words in (reason_in_words, file_type, output_name, as_sentence):
        routes.add_app_template_filter(words)
