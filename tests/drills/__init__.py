"""Drills: what is too long or too timed for the tests. Run ``python -m tests.drills --help``."""
