"""What ends the benchmark with a sentence."""


class CannotMeasure(Exception):  # noqa: N818 - the message is the sentence
    """Something is missing, or has not happened; the message says what, and what to do."""
