"""The ledger's SQL. Every function works inside the caller's unit of work."""
