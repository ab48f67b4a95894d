"""The soak: traffic of all kinds against the local service under random faults, and an account of what became of it.

The provider's stand-in sends the traffic; `verify` and `reconcile` prove what is on record. The soak itself checks each
answer and what became of each credit. It imports nothing of `wallet`.
"""
