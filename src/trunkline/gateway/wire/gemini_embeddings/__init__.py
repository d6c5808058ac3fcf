"""Google's embeddings: one content, or a batch of requests."""
