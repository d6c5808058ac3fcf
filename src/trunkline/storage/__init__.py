"""Engines, units of work, tables and migrations. Knows no feature."""
