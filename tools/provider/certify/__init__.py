"""The provider's certification of an operator, any operator: `walletctl certify URL`.

Named cases, a promise each, over HTTP against whatever implements the callbacks. It shares no code with `wallet`: it
knows the provider's pages and docs/callbacks.md, and sees a wallet only through its answers.
"""
