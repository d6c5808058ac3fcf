"""Jina's ranking, which Together and vLLM speak as well."""
