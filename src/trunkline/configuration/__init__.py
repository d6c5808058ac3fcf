"""The configuration file: read, checked as a whole, and applied in one unit of work."""
