"""Guardrails: what they look for in texts, compiled for the data path."""
