"""What other features and the command line may do with organisations, teams, users and keys.

All of it happens in the unit of work of the caller, who opens the connection and so commits.
Making organisations and users needs a system path (``write(None)``), since neither belongs to a
single organisation. Every change is told to all processes in the same transaction.
"""
