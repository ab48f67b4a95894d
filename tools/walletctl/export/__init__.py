"""The proof of a ledger on DynamoDB's exports to S3: in SQL, on disk, for ledgers larger than memory.

It knows docs/ledger.md and imports nothing of `wallet`. The queries are in `queries/`, in words that DuckDB and Athena
both understand; docs/operating/exports.md says how to run them where the export is.
"""
