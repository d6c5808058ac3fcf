"""The wires of OpenAI and of those that speak as it does."""
