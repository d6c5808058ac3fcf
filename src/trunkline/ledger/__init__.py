"""The journal, its way into the database, and what is read from there."""
