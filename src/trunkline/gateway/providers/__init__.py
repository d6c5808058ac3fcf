"""Providers as rows of a registry."""
