"""Organisations, teams, users and keys."""
