"""The data path: from a caller's socket to a provider's and back.

Read ``pipeline.py`` first; ``ports.py`` says what the path needs from outside.
"""
