"""Voyage's embeddings and rerank."""
