"""Trunkline: the line that every LLM call of an organisation runs through."""

__version__ = "0.1.0"
