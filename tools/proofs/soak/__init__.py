"""The soak: traffic of all kinds against the local service under random faults, and an account of what became of it.

It is a witness: it keeps its own books of what it sent and was answered, does its own sums, and shares no code
with `wallet`.
"""
