"""What could not be credited, shown to a person, sent back, settled or discarded: `walletctl parked`."""
