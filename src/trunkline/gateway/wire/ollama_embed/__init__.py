"""Ollama's embeddings, in their present and in their older shape."""
