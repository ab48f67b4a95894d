"""One page to look at the wallet with: callbacks as they arrive, a win, a player's ledger, what is parked.

It shows what `walletctl` computes, of the local service or a deployed stack, to people at this machine.
"""
