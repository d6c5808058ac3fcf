"""Cohere's ranking, second version; what its first version had besides is understood too."""
