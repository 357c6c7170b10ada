# The proof by faults: docs/faults.md. The top Makefile includes this file.
#   make faults FAULTS=full FAULTS_SEED=7 FAULTS_ONLY=worker-kill,kafka-down
export FAULTS FAULTS_SEED FAULTS_ONLY

##@ Break it on purpose

.PHONY: faults faults-broken

faults: setup ## disturb the real stack on purpose, and prove that nothing is lost, doubled or stuck
	@.venv/bin/python -m tests.faults

faults-broken: setup ## check that these tests detect builds that are broken on purpose
	@.venv/bin/python -m tests.faults.broken
