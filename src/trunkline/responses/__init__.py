"""Keeps responses for later requests of their owner."""
