"""Jina's rerank, whose shape vLLM and Together have as well."""
