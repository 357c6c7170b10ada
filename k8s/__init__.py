"""What `make chart-test` and `make smoke` share: programs, custom resource definitions, a Kubernetes API."""
