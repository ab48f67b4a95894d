"""A ledger, proved or found at fault, independently of the code that wrote it: `walletctl verify`.

It knows docs/ledger.md and imports nothing of `wallet`. `account.account` proves whatever `books.Page`s it is given, of
tables or of a file.
"""
