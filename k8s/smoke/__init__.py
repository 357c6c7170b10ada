"""The smoke test on whatever cluster the current context is: `python -m k8s.smoke --help`."""
