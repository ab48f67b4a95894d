"""Dead letters, shown to a person and sent back to their callback's retry queue: `python -m tools.redrive CALLBACK`."""
