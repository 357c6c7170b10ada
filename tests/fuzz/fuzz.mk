# Broken input on purpose: docs/contributing.md. The top Makefile includes this file.
#   make fuzz FUZZ=50000 FUZZ_SEED=7 FUZZ_ONLY=commands,cursors
export FUZZ FUZZ_SEED FUZZ_ONLY FUZZ_CASE

.PHONY: fuzz

fuzz: setup ## a million broken, odd and hostile inputs for all that reads what others send
	@.venv/bin/python -m tests.fuzz
