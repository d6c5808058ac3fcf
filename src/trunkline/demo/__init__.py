"""A running installation with simulated providers, so that nothing is empty at the first look."""
