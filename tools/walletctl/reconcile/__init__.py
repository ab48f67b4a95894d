"""The provider's transactions against the ledger: `walletctl reconcile`.

Both go to disk, and DuckDB compares them there: a million rows need no more memory than a few.
"""
