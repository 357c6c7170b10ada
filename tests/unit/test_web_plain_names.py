"""Names that programs use are shown as people say them."""

import pytest

from producer_api.web.plain_names import file_type, output_name, reason_in_words
from waybill.domain import FailureType

ON_SPANS_ONLY = {FailureType.LEASE_LOST, FailureType.CANCELLED, FailureType.INTERRUPTED}


@pytest.mark.parametrize("reason", sorted(set(FailureType) - ON_SPANS_ONLY))
def test_each_reason_of_a_dead_letter_is_a_sentence(reason: FailureType) -> None:
    words = reason_in_words(reason)
    assert words[0].isupper()
    assert " " in words


def test_a_reason_of_another_version_is_readable() -> None:
    assert reason_in_words("fell_over") == "Fell over"


@pytest.mark.parametrize(
    ("media_type", "name"),
    [
        ("text/csv", "CSV"),
        ("text/html; charset=utf-8", "HTML"),
        ("Application/PDF", "PDF"),
        ("application/vnd.apache.parquet", "Parquet"),
        ("application/x-acme", "application/x-acme"),
    ],
)
def test_a_file_s_type_has_its_usual_name(media_type: str, name: str) -> None:
    assert file_type(media_type) == name


@pytest.mark.parametrize(("output", "name"), [("pdf", "PDF"), ("parquet", "Parquet"), ("summary", "summary")])
def test_an_output_that_is_a_file_type_has_its_usual_name(output: str, name: str) -> None:
    assert output_name(output) == name
