"""End to end: real clients, the gateway as a process of its own, and the fake Anthropic API behind it."""
