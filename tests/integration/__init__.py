"""Tests on the real parts: PostgreSQL, Kafka, the collector, Jaeger and both services."""
