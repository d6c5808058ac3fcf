"""Voyage's ranking."""
