"""Logs with redaction, metrics, traces."""
