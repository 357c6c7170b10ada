# The benchmark: docs/performance.md. The top Makefile includes this file.
#   make bench BENCH=full BENCH_SEED=7 BENCH_ONLY=drain,accept BENCH_PEERS=celery,floor
export BENCH BENCH_SEED BENCH_ONLY BENCH_PEERS

##@ Measure it

.PHONY: bench

bench: setup ## what a report costs, and how fast Waybill is beside others; BENCH=help says more
	@.venv/bin/python -m tests.bench
