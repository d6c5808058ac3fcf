"""Real coding tools that take a turn with a tool through Trunkline, against simulated providers."""
