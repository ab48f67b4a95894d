"""What could not be credited, shown to a person, sent back or discarded: `walletctl parked`."""
