"""Mistral's fill in the middle: code between a prompt and a suffix, answered like a chat."""
