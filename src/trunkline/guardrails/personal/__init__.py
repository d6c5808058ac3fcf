"""Personal data and secrets by their shape, with the rules that tell them from other numbers."""
