"""The proofs: what a sceptic runs against the wallet. Nothing here imports a line of what it examines."""
