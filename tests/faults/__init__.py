"""The proof by faults: disturbs the real stack on purpose, records what happened, and judges it.

`python -m tests.faults` runs it; docs/faults.md says what it proves and how to read what it prints.
"""
