"""Voyage's embeddings."""
