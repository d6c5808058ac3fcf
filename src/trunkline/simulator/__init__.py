"""Wire-accurate fake providers with faults."""
