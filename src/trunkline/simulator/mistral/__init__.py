"""Mistral's wires that are not OpenAI's."""
