"""What drives the candidates and measures what a client sees."""
