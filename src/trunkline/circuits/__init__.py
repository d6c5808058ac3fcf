"""Circuits that people hold open or closed: written down here, obeyed by every front."""
