"""What tests say often: waiting, Kafka, the database, traces and status streams, each in its module."""
