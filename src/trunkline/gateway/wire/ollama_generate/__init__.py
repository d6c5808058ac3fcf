"""Ollama's completion of a prompt, with or without a gap to fill."""
