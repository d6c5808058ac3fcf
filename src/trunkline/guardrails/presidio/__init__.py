"""Names, places and what else has no shape: found by Presidio, in a process of its own."""
