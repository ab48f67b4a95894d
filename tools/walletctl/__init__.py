"""`walletctl`, the operator's command line: what support, finance and developers ask of a running wallet."""
