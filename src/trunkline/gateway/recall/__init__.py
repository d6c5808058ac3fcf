"""Answers that were given before, or are being given now, instead of another attempt."""
