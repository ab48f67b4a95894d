"""A ledger, proved or found at fault by a stranger to the code that wrote it: `python -m tools.verify`.

It knows docs/ledger.md and imports nothing of `wallet`.
"""
