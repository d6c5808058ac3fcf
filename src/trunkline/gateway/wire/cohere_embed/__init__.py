"""Cohere's embeddings, second version."""
