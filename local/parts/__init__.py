"""The real parts: how each is made ready, started, asked whether it answers, and stopped."""
