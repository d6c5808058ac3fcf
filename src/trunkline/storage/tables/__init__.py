"""One module per noun; each adds its tables to ``base.metadata``."""
