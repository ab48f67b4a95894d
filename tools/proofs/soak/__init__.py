"""The soak: real traffic against real processes under random faults, and the operator's own proofs of what is left.

The provider's stand-in sends the traffic. `walletctl verify`, `reconcile` and `parked list` examine the result. That
every order is exact is shown by the simulation (tests/simulation). The soak imports nothing of `wallet`.
"""
