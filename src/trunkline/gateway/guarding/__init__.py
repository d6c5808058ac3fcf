"""Guardrails on the way: texts of requests and answers are shown to them, and changed."""
