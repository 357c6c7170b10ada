"""What is wrong with a form is said beside its fields, and above them with links that lead somewhere."""

from producer_api.problems import FieldError
from producer_api.web.fields import fields_of
from producer_api.web.form_errors import Listed, errors_by_field, listed

FIELDS = fields_of(
    {"properties": {"n": {"type": "integer", "title": "How many"}, "at": {"type": "string"}}}, {}
)


def test_errors_are_sentences_by_the_form_s_own_fields() -> None:
    errors = [
        FieldError(field="parameters.period.first", message="must be a date"),
        FieldError(field="parameters.n", message="must be at most 12"),
        FieldError(field="parameters.n", message="must be at most 12"),
        FieldError(field="parameters", message="give a month, or days, not both."),
        FieldError(field="tags.0", message="must not be empty"),
        FieldError(field="name", message="must not be empty"),
    ]
    assert errors_by_field(errors) == {
        "p.period": ["First day: must be a date."],
        "p.n": ["Must be at most 12."],
        "parameters": ["Give a month, or days, not both."],
        "tags": ["Value 1: must not be empty."],
        "save_as": ["Must not be empty."],
    }


def test_they_are_listed_in_the_order_of_the_form_and_link_to_what_it_has() -> None:
    errors = {key: ["Wrong."] for key in ("webhook", "outputs", "tags", "p.gone", "p.n")}
    assert list(listed(errors, FIELDS, has_outputs=True)) == [
        Listed("How many", ["Wrong."], "p.n"),
        Listed("Files", ["Wrong."], "outputs"),
        Listed("Tags", ["Wrong."], "tags"),
        Listed("webhook", ["Wrong."]),
        Listed("gone", ["Wrong."]),
    ]
    assert Listed("outputs", ["Wrong."]) in listed(errors, FIELDS, has_outputs=False)
