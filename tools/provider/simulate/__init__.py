"""The provider, played as its pages describe it: `walletctl simulate`.

It knows the pages and docs/callbacks.md, and imports nothing of `wallet`.
"""
