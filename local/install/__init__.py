"""Set-up: what the stack needs and the machine does not have, each part in its module."""
